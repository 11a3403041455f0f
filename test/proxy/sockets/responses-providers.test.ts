import assert from 'node:assert/strict';
import { before, beforeEach, suite, test } from 'node:test';
import { Client } from 'pg';
import type { WebSocket } from 'ws';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from '../routing/providers.ts';
import { openResponses } from './responses-client.ts';
import { type SocketProvider, startSocketProvider } from './socket-provider.ts';

type Fields = Readonly<Record<string, unknown>>;

const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
const eventsOf = (id: string, lane: Fields = {}) => [
  { type: 'response.created', sequence_number: 0, response: { id, status: 'in_progress' }, ...lane },
  { type: 'response.output_text.delta', sequence_number: 1, delta: 'Hi', ...lane },
  {
    type: 'response.completed',
    sequence_number: 2,
    response: { id, object: 'response', status: 'completed', model: 'gpt-4o', output: [], usage },
    ...lane,
  },
];

suite('the providers of a session of the Responses API', () => {
  const scope = suiteScope();
  let first: SocketProvider;
  let second: SocketProvider;
  let routed: Routed<'first' | 'second'>;
  let db: Client;
  let responseCount = 0;

  /** Answers each `response.create`. */
  const serves = (socket: WebSocket) =>
    socket.on('message', (data) => {
      const { stream_id } = JSON.parse(String(data));
      responseCount += 1;
      for (const event of eventsOf(`resp_${responseCount}`, stream_id === undefined ? {} : { stream_id }))
        socket.send(JSON.stringify(event));
    });
  /** Answers each `response.create` by one text. */
  const says = (text: string) => (socket: WebSocket) => socket.on('message', () => socket.send(text));

  before(async () => {
    first = await startSocketProvider(scope);
    second = await startSocketProvider(scope);
    routed = await startRouted(scope, {
      providers: {
        first: {
          baseUrl: first.url,
          priority: 0,
          circuitBreaker: { failures: 1000 },
          timeouts: { headers: '4s', idle: '4s' },
        },
        second: { baseUrl: second.url, priority: 1 },
      },
    });
    db = new Client({ connectionString: routed.database.url });
    await db.connect();
    scope.after(() => db.end());
  });
  beforeEach(() => {
    for (const provider of [first, second]) {
      provider.refusal = undefined;
      provider.session = serves;
      provider.requests.length = 0;
    }
  });

  const open = (session: string) => openResponses(scope, routed, { 'x-user-id': 'bob', 'x-session-id': session });
  const recordOf = (session: string) =>
    until(async () => {
      const { rows } = await db.query(
        `select provider, status, error_code, http_status, total_tokens::int, attempts
         from chaperone.requests where session_id = $1`,
        [session],
      );
      return rows[0];
    }, `the record of ${session}`);

  test('are asked at their own address, with their own key, once for all responses', async () => {
    const client = await open('one');
    client.create({ input: 'Hi' });
    await client.next('response.completed');
    client.create({ input: 'Hi' });
    await client.next('response.completed');
    assert.deepEqual(
      first.requests.map(({ url, headers }) => [url, headers.authorization, headers['x-user-id']]),
      [['/v1/responses', 'Bearer sk-first', undefined]],
    );
    assert.equal(second.requests.length, 0);
  });

  test('that know no WebSockets are asked by POST, and asked for a session only once', async () => {
    first.refusal = { status: 405, body: '{"detail":"Method Not Allowed"}' };
    const bodies: string[] = [];
    first.answer = async (response, request) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      bodies.push(body);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of eventsOf(`resp_by_post_${bodies.length}`))
        response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      response.end();
    };
    const client = await open('by-post');
    client.create({ input: 'Hi', stream_id: 'lane' });
    const { response, stream_id } = await client.next('response.completed');
    assert.deepEqual([response.id, stream_id], ['resp_by_post_1', 'lane']);
    client.create({ input: 'Hi' });
    await client.next('response.completed');
    assert.equal(first.requests.length, 1);
    assert.deepEqual(bodies.map((body) => JSON.parse(body))[0], { model: 'gpt-4o', input: 'Hi', stream: true });
    const { provider, status, http_status, total_tokens } = await recordOf('by-post');
    assert.deepEqual([provider, status, http_status, total_tokens], ['first', 'completed', 200, 15]);
  });

  test('make the responses of each lane in order, and those of different lanes side by side', async () => {
    const asked: { lane: string; input: string; answer: () => void }[] = [];
    first.session = (socket) =>
      socket.on('message', (data) => {
        const { stream_id: lane, input } = JSON.parse(String(data));
        const answer = () => {
          for (const event of eventsOf(`resp_${input}`, { stream_id: lane })) socket.send(JSON.stringify(event));
        };
        asked.push({ lane, input, answer });
      });
    const client = await open('lanes');
    for (const [lane, input] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['b', 'b2'],
    ])
      client.create({ stream_id: lane, input });
    await until(() => asked.length === 3, 'all to be asked');
    for (const input of ['b1', 'b2', 'a1']) {
      asked.find((one) => one.input === input)?.answer();
      const { response, stream_id } = await client.next('response.completed');
      assert.deepEqual([response.id, stream_id], [`resp_${input}`, input[0]]);
    }
  });

  test('that answer no JSON, or nothing, fail the response and not the session', async () => {
    first.session = says('<html>It works!</html>');
    const client = await open('garbage');
    client.create({ input: 'Hi' });
    const garbage = await client.next('error');
    assert.deepEqual([garbage.status, garbage.error.code], [502, 'upstream_invalid_response']);
    first.session = () => {};
    client.create({ input: 'Hi' });
    const silent = await client.next('error');
    assert.deepEqual([silent.status, silent.error.code], [502, 'upstream_timeout']);
    first.session = serves;
    client.create({ input: 'Hi' });
    await client.next('response.completed');
    assert.equal(first.requests.length, 3);
  });

  test('that quote their key are not heard to', async () => {
    first.session = says(
      '{"type":"error","status":400,"error":{"message":"the key sk-first is no good","code":"odd"}}',
    );
    const client = await open('quoted');
    client.create({ input: 'Hi' });
    const { status, error } = await client.next('error');
    assert.deepEqual([status, error.message, error.code], [400, 'the key [redacted] is no good', 'odd']);
  });

  test('wait for a client that reads slowly, and the proxy holds little', async () => {
    const delta = JSON.stringify({ type: 'response.output_text.delta', delta: 'x'.repeat(48_000) });
    let sending: WebSocket | undefined;
    let sent = 0;
    const total = 1_000;
    first.session = (socket) =>
      socket.on('message', () => {
        sending = socket;
        const more = () => {
          sent += 1;
          if (sent < total) socket.send(delta, more);
          else socket.send(JSON.stringify(eventsOf('resp_slow')[2]));
        };
        more();
      });
    const client = await open('slow');
    client.socket.platformSocket.pause();
    client.create({ input: 'Hi' });
    await until(() => (sending?.bufferedAmount ?? 0) > 0, 'the provider to wait');
    const metrics = await fetch(`http://127.0.0.1:${routed.proxy.metricsPort}/metrics`).then((answer) => answer.text());
    const held = Number(/^chaperone_in_flight_bytes\S* (\d+)/m.exec(metrics)?.[1]);
    assert.ok(held < 4 * 1024 * 1024, `${held} bytes wait`);
    assert.ok(sent < total);
    client.socket.platformSocket.resume();
    await client.next('response.completed');
    assert.equal((await recordOf('slow')).status, 'completed');
  });

  for (const [what, fail, reason] of [
    ['refuses the session', () => ({ status: 503, body: '{"error":{"code":"overloaded"}}' }), 'overloaded'],
    [
      'refuses the response',
      () => {
        first.session = says('{"type":"error","status":503,"error":{"code":"server_error","message":"No"}}');
        return undefined;
      },
      'server_error',
    ],
    // Its key is left alone for a while after that, so this is the last one.
    ['limits its key', () => ({ status: 429, body: '{"error":{"code":"rate_limit"}}' }), 'rate_limit'],
  ] as const) {
    test(`that ${what} gives way to the next one`, async () => {
      first.refusal = fail();
      const session = `next after ${reason}`;
      const client = await open(session);
      client.create({ input: 'Hi' });
      await client.next('response.completed');
      assert.deepEqual(
        client.events.map(({ type }) => type),
        ['response.created', 'response.output_text.delta', 'response.completed'],
      );
      const { provider, status, total_tokens, attempts } = await recordOf(session);
      assert.deepEqual([provider, status, total_tokens], ['second', 'completed', 15]);
      assert.deepEqual(
        attempts.map((attempt: Fields) => [attempt.provider, attempt.reason]),
        [['first', reason]],
      );
    });
  }
});
