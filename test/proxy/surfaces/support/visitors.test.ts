import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { type Desk, startDesk } from './desk-stack.ts';

const question = 'How do I reset my password?';
const shop = 'https://shop.example.com';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
  readonly body: any;
}

/** The support desk, asked by the visitors of a web page and by those who have a server. */
describe('the visitors of the support desk', () => {
  const scope = suiteScope();
  let desk: Desk;
  let key: string;
  before(async () => {
    desk = await startDesk(scope, { agents: ['agent_1'] });
    key = await makeKey('website');
  });

  const makeKey = async (name: string) => {
    const answer = await fetch(`${desk.stack.baseUrl}/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${desk.admin}` },
      body: JSON.stringify({ name, type: 'public', allowed_origins: [shop] }),
    });
    const made = (await answer.json()) as { key: string };
    assert.equal(answer.status, 201, JSON.stringify(made));
    return made.key;
  };
  const ask = async (method: string, path: string, headers: Record<string, string>, body?: object): Promise<Answer> => {
    const answer = await fetch(new URL(`/api/v1${path}`, desk.stack.baseUrl), {
      method,
      headers: { authorization: `Bearer ${key}`, origin: shop, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: text.startsWith('{') ? JSON.parse(text) : text,
    };
  };
  /** A visitor whose page has sent a message: its headers from then on, and its conversation. */
  const arrive = async (message = question) => {
    const { status, headers, body } = await ask('POST', '/conversations', {}, { message });
    assert.equal(status, 200, JSON.stringify(body));
    const token = headers.get('x-visitor-token') ?? '';
    const id: string = body.conversation_id;
    const as = { 'x-visitor-token': token };
    const { body: shown } = await ask('GET', `/conversations/${id}`, as);
    const user: string = shown.user_id;
    return { as, id, user, shown };
  };
  const refusal = ({ status, body }: Pick<Answer, 'status' | 'body'>) => [status, body.error?.code];
  const requests = () => desk.provider.requests.length;

  it('talk, read and rate, as who their token says', async () => {
    const { as, id, user, shown } = await arrive();
    assert.match(user, /^visitor_/);
    assert.deepEqual(
      shown.messages.map(({ sender }: { sender: string }) => sender),
      ['user', 'ai'],
    );
    assert.deepEqual([shown.cost_usd, shown.metadata], [undefined, undefined]);
    const next = await ask('POST', '/conversations', as, { message: question, conversation_id: id, user_id: user });
    assert.deepEqual([next.status, next.body.conversation_id], [200, id]);
    assert.equal((await ask('POST', `/conversations/${id}/feedback`, as, { rating: 5 })).status, 200);
    const { body: seen } = await desk.ask('GET', `/conversations/${id}`, undefined, desk.admin);
    assert.deepEqual([seen.user_id, seen.rating, seen.message_count], [user, 5, 4]);
    assert.equal(typeof seen.cost_usd, 'number');
  });

  it('reach no conversation of another visitor or a user, and no user reaches theirs', async () => {
    const [mine, other] = [await arrive(), await arrive()];
    assert.notEqual(mine.user, other.user);
    const { body: ofCarl } = await desk.say(question);
    const asked = requests();
    for (const id of [other.id, ofCarl.conversation_id]) {
      for (const [method, path, body] of [
        ['GET', `/conversations/${id}`],
        ['POST', '/conversations', { message: question, conversation_id: id }],
        ['POST', '/conversations', { message: question, conversation_id: id, stream: true }],
        ['POST', `/conversations/${id}/feedback`, { rating: 1 }],
      ] as const) {
        const answer = await ask(method, path, mine.as, body);
        assert.deepEqual(refusal(answer), [404, 'conversation_not_found'], `${method} ${path}`);
      }
    }
    const carl = await desk.stack.sign({ user: 'carl', roles: ['member'] });
    for (const answer of [
      await desk.ask('GET', `/conversations/${mine.id}`, undefined, carl),
      await desk.say(question, { conversation_id: mine.id }, carl),
      await desk.ask('POST', `/conversations/${mine.id}/feedback`, { rating: 1 }, carl),
      await desk.ask('PATCH', `/conversations/${mine.id}`, { status: 'resolved' }, carl),
    ]) {
      assert.deepEqual(refusal(answer), [404, 'conversation_not_found']);
    }
    assert.equal(requests(), asked, 'no model was asked');
    const { body: seen } = await desk.ask('GET', `/conversations/${other.id}`, undefined, desk.admin);
    assert.deepEqual([seen.message_count, seen.rating], [2, null]);
  });

  it('are nobody else, no agents, and state nothing that staff relies on', async () => {
    const { as, id } = await arrive();
    const asked = requests();
    const say = (fields: object, headers = {}) =>
      ask('POST', '/conversations', { ...as, ...headers }, { message: question, ...fields });
    for (const [expected, answer] of [
      [[403, 'user_mismatch'], say({ user_id: 'carl' })],
      [[403, 'user_mismatch'], say({ user_id: 'carl', conversation_id: id })],
      [[403, 'user_mismatch'], say({}, { 'x-user-id': 'carl' })],
      [[403, 'role_required'], say({ sender: 'agent', conversation_id: id })],
      [[403, 'public_key_not_allowed'], say({ metadata: { user_email: 'ceo@example.com' } })],
      [[403, 'public_key_not_allowed'], ask('GET', '/conversations', as)],
      [[403, 'public_key_not_allowed'], ask('PATCH', `/conversations/${id}`, as, { status: 'resolved' })],
      [[401, 'invalid_credentials'], say({}, { 'x-visitor-token': `${as['x-visitor-token']}x` })],
      [[400, 'invalid_request'], say({ user_id: null })],
    ] as const) {
      assert.deepEqual(refusal(await answer), expected);
    }
    // Of another key, the token is none.
    const foreign = { ...as, authorization: `Bearer ${await makeKey('other website')}` };
    assert.deepEqual(refusal(await ask('GET', `/conversations/${id}`, foreign)), [401, 'invalid_credentials']);
    assert.equal(requests(), asked);
  });

  it('come from the pages of their key, which may read every answer', async () => {
    const { as, id } = await arrive();
    const routes = [
      ['POST', '/conversations', { message: question, stream: true }],
      ['GET', `/conversations/${id}`],
      ['POST', `/conversations/${id}/feedback`, { rating: 4 }],
    ] as const;
    for (const [method, path, body] of routes) {
      const what = `${method} ${path}`;
      const wrong = await ask(method, path, { ...as, origin: 'https://elsewhere.example.com' }, body);
      assert.deepEqual(refusal(wrong), [403, 'origin_not_allowed'], what);
      assert.equal(wrong.headers.get('access-control-allow-origin'), null, what);
      const names = 'authorization, content-type, idempotency-key, x-visitor-token';
      const preflight = await fetch(new URL(`/api/v1${path}`, desk.stack.baseUrl), {
        method: 'OPTIONS',
        headers: { origin: shop, 'access-control-request-method': method, 'access-control-request-headers': names },
      });
      assert.deepEqual(
        [
          preflight.status,
          ...['origin', 'headers'].map((name) => preflight.headers.get(`access-control-allow-${name}`)),
        ],
        [204, shop, names],
        what,
      );
      assert.ok(preflight.headers.get('access-control-allow-methods')?.includes(method), what);
      // The first answer of a new visitor, whatever it is.
      const { headers } = await ask(method, path, {}, body);
      assert.equal(headers.get('access-control-allow-origin'), shop, what);
      const exposed = headers.get('access-control-expose-headers')?.split(', ') ?? [];
      for (const name of ['x-visitor-token', 'x-ratelimit-remaining', 'idempotency-replayed', 'x-request-id']) {
        assert.ok(exposed.includes(name), `${what}: ${name}`);
      }
      for (const name of ['x-visitor-token', 'x-request-id']) assert.ok(headers.get(name), `${what}: ${name}`);
      assert.deepEqual(
        ['limit', 'reset'].map((name) => Number(headers.get(`x-ratelimit-${name}`)) > 0),
        [true, true],
        what,
      );
    }
  });

  it('send a message again with its Idempotency-Key, and no model is asked twice', async () => {
    for (const stream of [false, true]) {
      const { as, id } = await arrive();
      const asked = requests();
      const headers = { ...as, 'idempotency-key': randomUUID() };
      const message = { message: question, conversation_id: id, stream };
      const first = await ask('POST', '/conversations', headers, message);
      assert.equal(first.status, 200, first.text);
      if (stream) assert.match(first.text, /event: done/);
      const again = await ask('POST', '/conversations', headers, message);
      assert.deepEqual(
        [again.status, again.text, again.headers.get('idempotency-replayed'), again.headers.get('content-type')],
        [200, first.text, 'true', first.headers.get('content-type')],
      );
      for (const { headers: told } of [first, again]) assert.equal(told.get('x-ratelimit-limit'), '60');
      assert.notEqual(again.headers.get('x-ratelimit-remaining'), null);
      assert.equal(requests(), asked + 1);
      const other = await ask('POST', '/conversations', headers, { ...message, message: 'Another one?' });
      assert.deepEqual(refusal(other), [422, 'idempotency_key_reused']);
      // The same key of another visitor is another key.
      const { as: others } = await arrive();
      const theirs = await ask('POST', '/conversations', { ...headers, ...others }, message);
      assert.deepEqual(refusal(theirs), [404, 'conversation_not_found']);
      assert.equal((await ask('GET', `/conversations/${id}`, as)).body.message_count, 4);
    }
  });

  it('get a stream again that they have lost, and not one that has failed', async () => {
    const { as, id } = await arrive();
    const asked = requests();
    const headers = { ...as, 'idempotency-key': randomUUID() };
    const message = { message: question, conversation_id: id, stream: true };
    const go = Promise.withResolvers<void>();
    desk.reply = async () => {
      await go.promise;
      return {};
    };
    const gone = new AbortController();
    const lost = await fetch(new URL('/api/v1/conversations', desk.stack.baseUrl), {
      ...{ method: 'POST', signal: gone.signal, body: JSON.stringify(message) },
      headers: { authorization: `Bearer ${key}`, origin: shop, ...headers },
    });
    assert.equal(lost.status, 200);
    await until(async () => requests() > asked);
    gone.abort();
    // Another request is answered meanwhile, so the proxy has seen the connection end.
    await ask('GET', `/conversations/${id}`, as);
    go.resolve();
    let again = await ask('POST', '/conversations', headers, message);
    await until(async () => {
      if (again.status === 409) again = await ask('POST', '/conversations', headers, message);
      return again.status !== 409;
    });
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.match(again.text, /event: message.*event: done/s);
    assert.equal(requests(), asked + 1);

    const another = { ...as, 'idempotency-key': randomUUID() };
    desk.reply = { status: 500 };
    const failed = await ask('POST', '/conversations', another, message);
    assert.match(failed.text, /event: error.*upstream_error/s);
    desk.reply = {};
    const repeated = await ask('POST', '/conversations', another, message);
    assert.equal(repeated.headers.get('idempotency-replayed'), null);
    assert.match(repeated.text, /event: done/);
  });
});
