import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, suite, test } from 'node:test';
import { Client } from 'pg';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { ProxyError } from '../../../proxy/error.ts';
import { errorEvent } from '../../../proxy/sockets/responses/events.ts';
import { replaceFile } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { everyModel } from './realtime-client.ts';
import { openResponses } from './responses-client.ts';

const rules = `
  models:
    deny: ["*-audio-preview*"]
  limits:
    - name: talk
      per: User
      match: { operations: [responses], users: ["limited"] }
      requests: { count: 1, window: 1h }
  guardrails:
    - name: no-cards
      action: Block
      match: { users: ["guarded"] }
      pii: { kinds: [card] }
    - name: no-sandbox
      action: Block
      appliesTo: Output
      match: { users: ["silenced"] }
      words: { words: [sandbox] }
    - name: no-mail
      action: Redact
      match: { users: ["redacted"] }
      pii: { kinds: [email] }
`;

suite('sessions of the Responses API that are refused', () => {
  const scope = suiteScope();
  let stack: Stack<ProxyProcess>;
  let db: Client;
  before(async () => {
    stack = await startStack(scope, { prepare: everyModel(rules), ownProcess: true });
    db = new Client({ connectionString: stack.database.url });
    await db.connect();
    scope.after(() => db.end());
  });
  const open = (user: string) => openResponses(scope, stack, { 'x-user-id': user, 'x-session-id': `of-${user}` });
  const recordsOf = (user: string, count: number) =>
    until(async () => {
      const { rows } = await db.query(
        'select status, error_code, guardrail_hits from chaperone.requests where session_id = $1 order by started_at',
        [`of-${user}`],
      );
      return rows.length >= count && rows;
    }, `${count} records of ${user}`);

  /** The answer in HTTP to an upgrade. */
  const knock = async (headers: Readonly<Record<string, string>> = {}) => {
    const sent = request(`${stack.baseUrl}/responses`, {
      headers: {
        ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...{ authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
        ...headers,
      },
    });
    sent.end();
    const [answer] = await once(sent, 'response');
    const { error } = JSON.parse(await text(answer));
    return [answer.statusCode, error.code, error.param];
  };

  test('before the upgrade get an error in OpenAI’s envelope', async () => {
    assert.deepEqual((await knock({ authorization: 'Bearer no' })).slice(0, 2), [401, 'invalid_credentials']);
    assert.deepEqual(await knock({ 'x-user-id': '' }), [400, 'user_required', 'X-User-ID']);
    const minted = await fetch(`${stack.baseUrl}/realtime/client_secrets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
      body: JSON.stringify({ session: { type: 'realtime', model: 'gpt-realtime' } }),
    });
    const { value } = (await minted.json()) as { value: string };
    assert.deepEqual((await knock({ authorization: `Bearer ${value}` })).slice(0, 2), [401, 'invalid_credentials']);
    assert.deepEqual(await knock({ 'sec-websocket-key': 'short' }), [400, 'invalid_header', 'Sec-WebSocket-Key']);
    assert.deepEqual(await knock({ 'sec-websocket-version': '12' }), [400, 'invalid_header', 'Sec-WebSocket-Version']);
    assert.deepEqual(await knock({ upgrade: 'h2c' }), [426, 'websocket_required', null]);
  });

  test('by a model or a limit get an error event, and go on', async () => {
    const client = await open('limited');
    client.create({ input: 'Hi', model: 'gpt-4o-audio-preview' });
    const denied = await client.next('error');
    assert.deepEqual(
      [denied.status, denied.error.code, denied.error.type, denied.error.param],
      [403, 'model_not_allowed', 'permission_error', 'model'],
    );
    client.create({ input: 'Hi' });
    await client.next('response.completed');
    client.create({ input: 'Hi', stream_id: 'a' });
    const limited = await client.next('error');
    assert.deepEqual(
      [limited.status, limited.error.code, limited.error.type, limited.stream_id],
      [429, 'limit_reached', 'rate_limit_error', 'a'],
    );
    client.send({ type: 'response.create', input: 'Hi' });
    assert.equal((await client.next('error')).error.param, 'model');
    client.send({ text: 'no event' });
    assert.equal((await client.next('error')).error.code, 'invalid_json');
    assert.deepEqual(
      (await recordsOf('limited', 1)).map(({ status }) => status),
      ['completed'],
    );
  });

  test('by a guardrail get what POST /v1/responses would get', async () => {
    const guarded = await open('guarded');
    guarded.create({ input: 'My card is 4111 1111 1111 1111' });
    const { error } = await guarded.next('error');
    assert.equal(error.code, 'guardrail_blocked');

    const silenced = await open('silenced');
    silenced.create({ input: 'Hi' });
    const blocked = await silenced.next('error');
    assert.equal(blocked.code ?? blocked.error.code, 'guardrail_blocked');
    assert.ok(!JSON.stringify(silenced.events).includes('[sandbox'), 'something has passed');
    const [record] = await recordsOf('silenced', 1);
    assert.deepEqual([record?.error_code, record?.guardrail_hits], ['guardrail_blocked', ['no-sandbox']]);

    const redacted = await open('redacted');
    redacted.create({ input: 'Write to ada@example.com' });
    const { response } = await redacted.next('response.completed');
    assert.match(JSON.stringify(response.output), /Write to \[EMAIL_[A-Z0-9]+\]/);
  });

  test('are told of their end by the code that OpenAI’s clients know', () => {
    const event = errorEvent(new ProxyError('session_expired', { message: 'over' }), undefined);
    assert.deepEqual(event, {
      type: 'error',
      status: 408,
      error: {
        type: 'invalid_request_error',
        code: 'websocket_connection_limit_reached',
        message: 'over',
        param: null,
      },
    });
  });

  test('by a stop of the proxy hear of it, and have what is under way', async () => {
    const client = await open('stopped');
    client.create({ input: 'A story', metadata: { sandbox: 'words=60,delta-delay=5' } });
    await client.next('response.output_text.delta');
    process.kill(stack.proxy.pid() ?? 0, 'SIGTERM');
    assert.equal((await client.next('error')).error.code, 'shutting_down');
    await client.next('response.completed');
    assert.equal((await client.closed).code, 1001);
    assert.deepEqual(
      (await recordsOf('stopped', 1)).map(({ status }) => status),
      ['completed'],
    );
  });

  test('by an edit of the Organization end', async () => {
    await until(
      async () => (await fetch(`${stack.baseUrl}/models`).catch(() => undefined))?.status === 401,
      'the proxy',
    );
    const client = await open('edited');
    client.create({ input: 'Hi' });
    await client.next('response.completed');
    const file = join(stack.directory, 'organization.yaml');
    await replaceFile(file, `${await readFile(file, 'utf8')}\n  surfaces: [chat]\n`);
    assert.equal((await client.next('error')).error.code, 'surface_not_allowed');
    assert.deepEqual(await client.closed, { code: 1008, reason: 'surface_not_allowed' });
    assert.deepEqual((await knock()).slice(0, 2), [403, 'surface_not_allowed']);
  });
});
