import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, beforeEach, suite, test } from 'node:test';
import { Client } from 'pg';
import type { WebSocket } from 'ws';
import { startSandbox } from '../../../sandbox/server.ts';
import { makeDirectory } from '../../directories.ts';
import { atEnd, suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from '../routing/providers.ts';
import { openRealtime, says } from './realtime-client.ts';
import { created, type SocketProvider, startSocketProvider } from './socket-provider.ts';

const text = { type: 'session.update', session: { type: 'realtime', output_modalities: ['text'] } };

/** Answers each `response.create`, in a session of this model. */
const serves =
  (model: string) =>
  (socket: WebSocket): void => {
    let count = 0;
    socket.send(created({ model }));
    socket.on('message', (data) => {
      if (JSON.parse(String(data)).type !== 'response.create') return;
      count += 1;
      const response = { id: `resp_${model}_${count}`, status: 'completed', output: [] };
      socket.send(JSON.stringify({ type: 'response.created', response: { ...response, status: 'in_progress' } }));
      const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
      socket.send(JSON.stringify({ type: 'response.done', response: { ...response, usage } }));
    });
  };

suite('the providers of a session of the Realtime API', () => {
  const scope = suiteScope();
  let first: SocketProvider;
  let second: SocketProvider;
  let azure: SocketProvider;
  let routed: Routed<'closed' | 'first' | 'second' | 'key' | 'dated' | 'file' | 'sandbox'>;
  let db: Client;

  before(async () => {
    first = await startSocketProvider(scope);
    second = await startSocketProvider(scope);
    azure = await startSocketProvider(scope);
    const sandbox = await startSandbox();
    atEnd(scope, sandbox.close);
    const tokenFile = join(await makeDirectory(scope), 'token');
    await writeFile(tokenFile, 'token.of.a-file\n');
    const ofAzure = (url: string, model: string, as: string) => ({
      ...{ type: 'azure', baseUrl: url.replace(/\/v1$/, '') },
      models: [{ name: model, as }],
    });
    routed = await startRouted(scope, {
      providers: {
        closed: { baseUrl: 'http://127.0.0.1:9/v1', priority: 0, models: [{ name: 'gpt-realtime-away' }] },
        first: {
          baseUrl: first.url,
          priority: 1,
          models: [{ name: 'gpt-realtime' }, { name: 'gpt-4o' }],
          circuitBreaker: { failures: 1000 },
        },
        second: { baseUrl: second.url, priority: 2, models: [{ name: 'gpt-realtime*' }, { name: 'gpt-4o' }] },
        key: ofAzure(azure.url, 'by-key', 'prod-by-key'),
        dated: { ...ofAzure(azure.url, 'dated', 'by-date'), apiVersion: '2024-10-21' },
        file: { ...ofAzure(azure.url, 'by-file', 'by-file'), entra: { tokenFile } },
        sandbox: ofAzure(sandbox.url, 'gpt-realtime-mini', 'prod-gpt-realtime-mini'),
      },
    });
    db = new Client({ connectionString: routed.database.url });
    await db.connect();
    scope.after(() => db.end());
  });
  beforeEach(() => {
    for (const [name, provider] of Object.entries({ first, second, azure })) {
      provider.refusal = undefined;
      provider.session = serves(name);
      provider.requests.length = 0;
    }
  });

  const open = (session: string, model = 'gpt-realtime') =>
    openRealtime(scope, routed, { model, headers: { 'x-user-id': 'bob', 'x-session-id': session } });
  const recordOf = (session: string) =>
    until(async () => {
      const { rows } = await db.query(
        `select provider, status, requested_model, model, total_tokens::int, cost_usd::float8, input_tokens::int,
           output_tokens::int
         from chaperone.requests where session_id = $1`,
        [session],
      );
      return rows[0];
    }, `the record of ${session}`);

  /** Opens a session, and asks for a response. */
  const converse = async (session: string, model?: string) => {
    const realtime = await open(session, model);
    await realtime.next('session.created');
    realtime.send(says('Hi'));
    realtime.send({ type: 'response.create' });
    await realtime.next('response.done');
    realtime.socket.close();
    return recordOf(session);
  };

  for (const [status, what] of [
    [503, 'says that it failed'],
    [401, 'does not take its key'],
    [404, 'has no such address'],
    [426, 'knows no WebSockets'],
    [400, 'refuses the session'],
    // Its key is left alone for a while after that, so this is the last one.
    [429, 'limits its key'],
  ] as const) {
    test(`the next one opens the session where the first ${what}`, async () => {
      first.refusal = { status, body: '{"error":{"message":"No","code":"no"}}' };
      const { provider, status: ended, total_tokens } = await converse(`after ${status}`);
      assert.deepEqual([provider, ended, total_tokens], ['second', 'completed', 15]);
      assert.deepEqual([first.requests.length, second.requests.length], [1, 1]);
      assert.equal(second.requests[0]?.headers.authorization, 'Bearer sk-second');
    });
  }

  test('the next one opens the session where the first cannot be reached', async () => {
    const { provider } = await converse('after away', 'gpt-realtime-away');
    assert.equal(provider, 'second');
  });

  test('the last refusal is told where none opens it', async () => {
    for (const provider of [first, second]) provider.refusal = { status: 404, body: '{"error":{"message":"No"}}' };
    await assert.rejects(open('nobody'), /404/);
    assert.deepEqual([first.requests.length, second.requests.length], [1, 1]);
  });

  test('a provider without sessions stays the first for all other calls', async () => {
    first.refusal = { status: 404, body: '{}' };
    for (let count = 0; count < 3; count += 1) await converse(`without ${count}`);
    first.answer = (response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', model: 'gpt-4o', choices: [] }));
    const { response } = await routed.client.chat.completions
      .create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] })
      .withResponse();
    assert.equal(response.headers.get('x-chaperone-provider'), 'first');
  });

  test('Azure is asked at its own address, for a deployment, by its key or a token', async () => {
    for (const [model, url, key, authorization] of [
      ['by-key', '/openai/v1/realtime?model=prod-by-key', 'sk-key', undefined],
      ['dated', '/openai/v1/realtime?model=by-date', 'sk-dated', undefined],
      ['by-file', '/openai/v1/realtime?model=by-file', undefined, 'Bearer token.of.a-file'],
    ] as const) {
      azure.requests.length = 0;
      const { provider } = await converse(`azure ${model}`, model);
      const [asked] = azure.requests;
      assert.deepEqual(
        [asked?.url, asked?.headers['api-key'], asked?.headers.authorization],
        [url, key, authorization],
        provider,
      );
    }
  });

  test('a response of Azure is recorded and priced by the model behind the deployment', async () => {
    const realtime = await open('azure sandbox', 'gpt-realtime-mini');
    const { session } = await realtime.next('session.created');
    assert.equal(session.model, 'gpt-realtime-mini');
    realtime.send(text);
    realtime.send(says('Hello'));
    realtime.send({ type: 'response.create' });
    assert.match(JSON.stringify((await realtime.next('response.done')).response.output), /You said: Hello/);
    const record = await recordOf('azure sandbox');
    assert.deepEqual(
      [record.provider, record.requested_model, record.model, record.status],
      ['sandbox', 'gpt-realtime-mini', 'gpt-realtime-mini', 'completed'],
    );
    assert.ok(Math.abs(record.cost_usd - (record.input_tokens * 0.6 + record.output_tokens * 2.4) / 1e6) < 1e-12);
  });
});
