import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { startProxy } from '../../../proxy-process.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { type Insights, startInsights } from './insights-stack.ts';

interface Message {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: data of several shapes
  readonly data: any;
  readonly timestamp: string;
}

const furious = 'Horrible, terrible, awful, disgusting!';

/** `/websocket` of contract 3, at two proxies of one organization. */
describe('those who watch', () => {
  const scope = suiteScope();
  let insights: Insights;
  let other: number;
  let ann: string;
  before(async () => {
    insights = await startInsights(scope);
    const { credentialsDirectory, upstreamUrl } = insights.stack;
    other = (await startProxy(scope, { credentialsDirectory, upstreamUrl })).port;
    ann = await insights.stack.sign({ user: 'ann', roles: ['analyst'] });
  });
  const addressOf = (port?: number) => {
    const address = new URL('/websocket', insights.stack.baseUrl.replace(/^http/, 'ws'));
    if (port !== undefined) address.port = String(port);
    return address;
  };
  /** Opens a session, by default with the token in the address. */
  const watch = async (port?: number, headers?: Record<string, string>) => {
    const address = addressOf(port);
    if (!headers) address.searchParams.set('token', ann);
    const socket = new WebSocket(address, { headers });
    const messages: Message[] = [];
    socket.on('message', (data) => messages.push(JSON.parse(String(data))));
    scope.after(() => socket.terminate());
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const next = (event: string, of: (data: Message['data']) => boolean = () => true) =>
      until(() => messages.find((one) => one.event === event && of(one.data)), event);
    return { socket, messages, next };
  };
  const refusalOf = async (token: string | undefined, headers: Record<string, string> = {}) => {
    const address = addressOf();
    if (token !== undefined) address.searchParams.set('token', token);
    const socket = new WebSocket(address, { headers });
    return new Promise<{ status: number | undefined; body: Record<string, unknown> }>((resolve, reject) => {
      socket.once('open', () => reject(new Error('it was opened')));
      socket.once('error', () => {});
      socket.once('unexpected-response', (_, answer) => {
        let text = '';
        answer.on('data', (part) => {
          text += part;
        });
        answer.on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(text) }));
      });
    });
  };
  const queue = async () => {
    const made = await insights.ask('POST', '/review/queue', { query: 'Q', response: 'A', category: 'live' });
    return String(made.body.data.item_id);
  };

  it('hear of the state of the service at once', async () => {
    const { next } = await watch();
    const { data, timestamp } = await next('system_status');
    assert.deepEqual([data.status, data.database, data.organization], ['ok', 'ok', 'acme']);
    assert.ok(data.uptime_seconds >= 0 && data.watching >= 1 && data.queue.queued >= 0, JSON.stringify(data));
    assert.match(timestamp, /^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it('need no user', async () => {
    const token = await insights.stack.sign({ roles: ['reviewer'] });
    const { next } = await watch(undefined, { authorization: `Bearer ${token}` });
    await next('system_status');
  });

  it('hear of each change of the queue, at every proxy, in order', async () => {
    const [here, there] = [await watch(), await watch(other, { authorization: `Bearer ${ann}` })];
    await Promise.all([here.next('system_status'), there.next('system_status')]);
    const id = await queue();
    const rita = await insights.stack.sign({ user: 'rita', roles: ['reviewer'] });
    await insights.ask('POST', `/review/items/${id}/claim`, undefined, { token: rita });
    await insights.ask('POST', '/review/decision', { item_id: id, approved: true }, { token: rita });
    for (const { next, messages } of [here, there]) {
      const last = await next('queue_update', (data) => data.item_id === id && data.action === 'decided');
      assert.deepEqual([last.data.status, last.data.category], ['reviewed', 'live']);
      assert.equal(typeof last.data.queue.queued, 'number');
      const actions = messages.filter(({ data }) => data.item_id === id).map(({ data }) => data.action);
      assert.deepEqual(actions, ['queued', 'claimed', 'decided']);
    }
  });

  it('are alerted to very unhappy customers, and not told what they say', async () => {
    const { next, messages } = await watch(other);
    await next('system_status');
    const judged = await insights.ask('POST', '/analyze/sentiment', { text: furious });
    assert.ok(judged.body.data.negative >= 0.8, JSON.stringify(judged.body));
    const single = await next('sentiment_alert', (data) => data.text_id === null);
    assert.deepEqual([single.data.negative, single.data.method], [judged.body.data.negative, 'vader']);
    assert.match(single.data.request_id, /^req_/);
    const conversations = [
      { id: 'conv-1', text: furious },
      { id: 'conv-2', text: 'I am very happy with this.' },
    ];
    await insights.ask('POST', '/analyze/batch', { conversations });
    await next('sentiment_alert', (data) => data.text_id === 'conv-1');
    assert.ok(!messages.some(({ data }) => data.text_id === 'conv-2'));
    assert.doesNotMatch(JSON.stringify(messages), /Horrible/);
  });

  it('need a credential and a role, and no log has a token', async () => {
    const member = await insights.stack.sign({ user: 'eve', roles: ['member'] });
    for (const [token, headers, status, code] of [
      [undefined, {}, 401, 'invalid_credentials'],
      ['nonsense', {}, 401, 'invalid_credentials'],
      [member, {}, 403, 'role_required'],
      [ann, { authorization: `Bearer ${member}` }, 400, 'invalid_header'],
    ] as const) {
      const { status: answered, body } = await refusalOf(token, headers);
      assert.deepEqual([answered, body.code, body.error], [status, code, true], JSON.stringify(body));
    }
    const plain = await fetch(`${insights.stack.baseUrl.replace(/\/v1$/, '')}/websocket?token=${ann}`, {
      headers: { authorization: `Bearer ${ann}` },
    });
    const { code } = (await plain.json()) as { code: string };
    assert.deepEqual([plain.status, code], [426, 'websocket_required']);
    assert.ok(insights.stack.log().includes('role_required'));
    for (const token of [ann, member]) assert.ok(!insights.stack.log().includes(token.slice(-20)));
  });

  it('end with too large a message', async () => {
    const { socket } = await watch();
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.send('x'.repeat(5_000));
    assert.equal(await closed, 1009);
  });

  it('are a thousand at one proxy, who all hear of a change within seconds', async () => {
    const all: Awaited<ReturnType<typeof watch>>[] = [];
    for (let part = 0; part < 20; part += 1) {
      all.push(...(await Promise.all(Array.from({ length: 50 }, () => watch(other)))));
    }
    await until(() => all.every(({ messages }) => messages.length > 0), 'the state of the service');
    const began = performance.now();
    const id = await queue();
    const heard = ({ messages }: (typeof all)[number]) => messages.some(({ data }) => data.item_id === id);
    await until(() => all.every(heard), 'all to hear of it');
    const tookMs = performance.now() - began;
    assert.ok(tookMs < 20_000, `${tookMs} ms`);
    for (const { socket } of all) socket.terminate();
  });
});
