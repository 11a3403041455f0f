import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, beforeEach, suite, test } from 'node:test';
import { Client } from 'pg';
import type { WebSocket } from 'ws';
import { replaceFile } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { everyModel, openRealtime, says, sound } from './realtime-client.ts';
import { created, type SocketProvider, startSocketProvider } from './socket-provider.ts';

const rules = `
  models:
    deny: ["*-audio-preview*"]
  limits:
    - name: talk
      per: User
      match: { operations: [realtime], users: ["limited-*"] }
      requests: { count: 1, window: 1h }
  guardrails:
    - name: no-cards
      action: Block
      match: { users: ["guarded"] }
      pii: { kinds: [card] }
    - name: no-mail
      action: Redact
      match: { users: ["redacted"] }
      pii: { kinds: [email] }
    - name: loud
      action: Report
      match: { users: ["reported"] }
      words: { words: [sandbox] }
`;

suite('sessions that are refused', () => {
  const scope = suiteScope();
  let stack: Stack;
  let db: Client;
  before(async () => {
    stack = await startStack(scope, { prepare: everyModel(rules) });
    db = new Client({ connectionString: stack.database.url });
    await db.connect();
    scope.after(() => db.end());
  });
  const open = (user: string, session = `of-${user}`, model = 'gpt-realtime') =>
    openRealtime(scope, stack, { model, headers: { 'x-user-id': user, 'x-session-id': session } });
  const noTurns = {
    type: 'session.update',
    session: { type: 'realtime', output_modalities: ['text'], audio: { input: { turn_detection: null } } },
  };

  /** The answer in HTTP to an upgrade. */
  const knock = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const sent = request(`${stack.baseUrl}${path}`, {
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
    assert.match(answer.headers['x-request-id'], /^req_/);
    return [answer.statusCode, error.code, error.param];
  };

  test('before the upgrade get an error in OpenAI’s envelope', async () => {
    assert.deepEqual(await knock('/realtime?model=gpt-4o-audio-preview'), [403, 'model_not_allowed', 'model']);
    assert.deepEqual(await knock('/realtime'), [400, 'invalid_request', 'model']);
    assert.deepEqual(await knock('/realtime?model=nonesuch'), [404, 'model_not_found', null]);
    assert.deepEqual(await knock('/realtime?call_id=rtc_1'), [400, 'invalid_request', 'call_id']);
    assert.deepEqual(await knock('/realtime?model=a&model=b'), [400, 'invalid_request', 'model']);
    const persona = '/realtime?model=gpt-realtime&persona_id=6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a10';
    assert.deepEqual(await knock(persona), [404, 'persona_not_found', 'persona_id']);
    const path = '/realtime?model=gpt-realtime';
    assert.deepEqual((await knock(path, { authorization: 'Bearer no' })).slice(0, 2), [401, 'invalid_credentials']);
    assert.deepEqual((await knock(path, { authorization: 'Bearer ek_no' })).slice(0, 2), [401, 'invalid_credentials']);
    assert.deepEqual(await knock(path, { 'x-user-id': '' }), [400, 'user_required', 'X-User-ID']);
    assert.deepEqual(await knock(path, { upgrade: 'h2c' }), [426, 'websocket_required', null]);
    const two = { 'sec-websocket-protocol': 'realtime, openai-insecure-api-key.other' };
    assert.deepEqual((await knock(path, two)).slice(0, 2), [400, 'invalid_header']);
  });

  test('a key in a subprotocol opens one, as from a browser', async () => {
    const protocol = `openai-insecure-api-key.${stack.token}`;
    const headers = { 'sec-websocket-protocol': `realtime, ${protocol}`, authorization: '', 'x-user-id': 'ada' };
    const sent = request(`${stack.baseUrl}/realtime?model=gpt-realtime`, {
      headers: {
        ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    sent.removeHeader('authorization');
    sent.end();
    const [answer, socket] = await once(sent, 'upgrade');
    assert.deepEqual([answer.statusCode, answer.headers['sec-websocket-protocol']], [101, 'realtime']);
    socket.destroy();
  });

  test('a limit refuses a response, and the session goes on', async () => {
    const realtime = await open('limited-text');
    realtime.send(noTurns);
    await realtime.next('session.updated');
    realtime.send(says('One'));
    realtime.send({ type: 'response.create' });
    await realtime.next('response.done');
    realtime.send({ type: 'response.create', event_id: 'second' });
    const { error } = await realtime.next('error');
    assert.deepEqual([error.code, error.type, error.event_id], ['limit_reached', 'rate_limit_error', 'second']);
    realtime.send({ type: 'conversation.item.retrieve', item_id: 'nobody' });
    assert.equal((await realtime.next('error')).error.code, 'item_not_found');
  });

  test('a limit ends a session whose provider would answer by itself', async () => {
    const realtime = await open('limited-voice');
    await realtime.next('session.created');
    const speak = () => realtime.send({ type: 'input_audio_buffer.append', audio: sound('speech') });
    speak();
    realtime.send({ type: 'input_audio_buffer.append', audio: sound('silence') });
    await realtime.next('response.done');
    speak();
    const { error } = await realtime.next('error');
    assert.equal(error.code, 'limit_reached');
    assert.deepEqual(await realtime.closed, { code: 1008, reason: 'limit_reached' });
    const { rows } = await until(async () => {
      const found = await db.query(`select status from chaperone.requests where session_id = 'of-limited-voice'`);
      return found.rows.length > 0 && found;
    }, 'its record');
    assert.deepEqual(rows, [{ status: 'completed' }]);
  });

  test('speech that nobody answers leaves no record', async () => {
    const realtime = await open('silent');
    await realtime.next('session.created');
    realtime.send({ type: 'input_audio_buffer.append', audio: sound('speech') });
    await realtime.next('input_audio_buffer.speech_started');
    realtime.socket.close();
    const other = await open('other');
    other.send(noTurns);
    other.send(says('Hi'));
    other.send({ type: 'response.create' });
    await other.next('response.done');
    await until(async () => {
      const { rows } = await db.query(`select 1 from chaperone.requests where session_id = 'of-other'`);
      return rows.length === 1;
    }, 'a later record');
    const { rows } = await db.query(`select status from chaperone.requests where session_id = 'of-silent'`);
    assert.deepEqual(rows, []);
  });

  test('guardrails block and redact what is said, and let no sound pass that they cannot read', async () => {
    const guarded = await open('guarded');
    guarded.send(noTurns);
    await guarded.next('session.updated');
    guarded.send(says('My card is 4111 1111 1111 1111'));
    assert.equal((await guarded.next('error')).error.code, 'guardrail_blocked');
    guarded.send({ type: 'input_audio_buffer.append', audio: sound('speech') });
    assert.match(String((await guarded.next('error')).error.message), /cannot read sound/);
    guarded.send({ type: 'response.create', response: { output_modalities: ['audio'] } });
    assert.match(String((await guarded.next('error')).error.message), /spoken answers do not pass/);
    guarded.send({ type: 'response.create', response: { instructions: 'Say 4111 1111 1111 1111' } });
    assert.equal((await guarded.next('error')).error.code, 'guardrail_blocked');
    guarded.send(says('Hello'));
    guarded.send({ type: 'response.create' });
    assert.equal((await guarded.next('response.done')).response.status, 'completed');

    const redacted = await open('redacted');
    redacted.send(noTurns);
    redacted.send(says('Write to ada@example.com'));
    redacted.send({ type: 'response.create' });
    const { response } = await redacted.next('response.done');
    assert.match(JSON.stringify(response.output), /Write to \[EMAIL_[A-Z0-9]+\]/);
  });

  test('a rule that reports counts the transcript of what was spoken', async () => {
    const reported = await open('reported');
    await reported.next('session.created');
    reported.send({ type: 'input_audio_buffer.append', audio: sound('speech') });
    reported.send({ type: 'input_audio_buffer.append', audio: sound('silence') });
    await reported.next('response.done');
    const hits = await until(async () => {
      const { rows } = await db.query(`select guardrail_hits from chaperone.requests where session_id = 'of-reported'`);
      return rows[0]?.guardrail_hits;
    }, 'the hit');
    assert.deepEqual(hits, ['loud']);
  });

  test('an edit that forbids the model ends open sessions', async () => {
    const realtime = await open('edited', 'edited', 'gpt-realtime-mini');
    await realtime.next('session.created');
    const file = join(stack.directory, 'organization.yaml');
    const before = await readFile(file, 'utf8');
    await replaceFile(file, before.replace('"*-audio-preview*"', '"*-audio-preview*", "*-realtime-mini"'));
    const { error } = await realtime.next('error');
    assert.equal(error.code, 'model_not_allowed');
    assert.equal((await realtime.closed).code, 1008);
  });
});

suite('a provider of sessions that fails', () => {
  const scope = suiteScope();
  let stack: Stack;
  let provider: SocketProvider;
  let db: Client;
  before(async () => {
    provider = await startSocketProvider(scope);
    stack = await startStack(scope, { prepare: everyModel(), upstreamUrl: provider.url });
    db = new Client({ connectionString: stack.database.url });
    await db.connect();
    scope.after(() => db.end());
  });
  beforeEach(() => {
    provider.refusal = undefined;
  });
  const open = (session: string) =>
    openRealtime(scope, stack, { headers: { 'x-user-id': 'ada', 'x-session-id': session } });
  const recordOf = (session: string) =>
    until(async () => {
      const { rows } = await db.query(
        'select status, error_code, http_status, total_tokens from chaperone.requests where session_id = $1',
        [session],
      );
      return rows.length > 0 && rows;
    }, `the record of ${session}`);
  const begun = JSON.stringify({ type: 'response.created', response: { id: 'resp_1', status: 'in_progress' } });

  /** The answer in HTTP where no session is opened. */
  const knock = async () => {
    const headers = { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', upgrade: 'websocket' };
    const sent = request(`${stack.baseUrl}/realtime?model=gpt-realtime`, {
      headers: {
        ...headers,
        connection: 'Upgrade',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      },
    });
    sent.end();
    const [answer] = await once(sent, 'response');
    return answer;
  };

  test('to open one in another way than an API does is told in an error', async () => {
    provider.refusal = { status: 403, body: 'Missing ALPN Protocol' };
    const answer = await knock();
    const { error } = JSON.parse(await text(answer));
    assert.deepEqual([answer.statusCode, error.code], [502, 'upstream_invalid_response']);
    assert.match(error.message, /status 403/);
  });

  test('to open one is told as it answers, without its key', async () => {
    provider.refusal = { status: 429, body: '{"error":{"message":"Slow down","type":"requests","code":"rate_limit"}}' };
    const answer = await knock();
    assert.equal(answer.statusCode, 429);
    assert.equal(JSON.parse(await text(answer)).error.message, 'Slow down');
    const [asked] = provider.requests.slice(-1);
    assert.match(String(asked?.url), /^\/v1\/realtime\?model=gpt-realtime$/);
    assert.match(asked?.headers.authorization ?? '', /^Bearer /);
    assert.notEqual(asked?.headers.authorization, `Bearer ${stack.token}`);
    assert.equal(asked?.headers['x-user-id'], undefined);
  });

  test('by a reset in the middle of a response leaves a failed record, and tells the client', async () => {
    provider.session = (socket) => {
      socket.send(created());
      socket.on('message', (data) => {
        if (JSON.parse(String(data)).type !== 'response.create') return;
        socket.send(begun, () => socket.terminate());
      });
    };
    const realtime = await open('reset');
    await realtime.next('session.created');
    realtime.send({ type: 'response.create' });
    assert.equal((await realtime.next('error')).error.code, 'upstream_interrupted');
    assert.deepEqual(await realtime.closed, { code: 1011, reason: 'upstream_interrupted' });
    assert.deepEqual(await recordOf('reset'), [
      { status: 'failed', error_code: 'upstream_interrupted', http_status: 200, total_tokens: null },
    ]);
  });

  test('by garbage ends the session', async () => {
    for (const [name, garbage] of [
      ['text', '<html>It works!</html>'],
      ['bytes', Buffer.from([1, 2, 3])],
      ['a number', '7'],
      ['no type', '{"event_id":"x"}'],
    ] as const) {
      provider.session = (socket) => {
        socket.send(created());
        socket.send(garbage);
      };
      const realtime = await open(`garbage ${name}`);
      assert.equal((await realtime.next('error')).error.code, 'upstream_invalid_response', name);
      assert.equal((await realtime.closed).code, 1011);
    }
  });

  test('that does not close is left alone in the end, and one that quotes its key is not heard to', async () => {
    let secret = '';
    provider.session = (socket) => {
      secret = (provider.requests.at(-1)?.headers.authorization ?? '').slice('Bearer '.length);
      socket.send(created({ instructions: `the key is ${secret}` }));
    };
    const realtime = await open('quoted');
    const { session } = await realtime.next('session.created');
    assert.ok(secret.length > 5);
    assert.equal(session.instructions, 'the key is [redacted]');
    realtime.socket.close();
  });

  test('a client that reads slowly slows it down', async () => {
    let sending: WebSocket | undefined;
    let isDone = false;
    const audio = Buffer.alloc(48_000).toString('base64');
    const delta = JSON.stringify({ type: 'response.output_audio.delta', response_id: 'resp_2', delta: audio });
    provider.session = (socket) => {
      sending = socket;
      socket.send(created());
      socket.on('message', (data) => {
        if (JSON.parse(String(data)).type !== 'response.create') return;
        socket.send(begun.replace('resp_1', 'resp_2'));
        let left = 1_000;
        const more = () => {
          if (left === 0) {
            isDone = true;
            const response = { id: 'resp_2', status: 'completed', output: [] };
            socket.send(JSON.stringify({ type: 'response.done', response }));
            return;
          }
          left -= 1;
          socket.send(delta, more);
        };
        more();
      });
    };
    const realtime = await open('slow');
    await realtime.next('session.created');
    realtime.socket.pause();
    realtime.send({ type: 'response.create' });
    await until(() => (sending?.bufferedAmount ?? 0) > 0, 'the provider to wait');
    const metrics = await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`).then((answer) => answer.text());
    const held = Number(/^chaperone_in_flight_bytes\S* (\d+)/m.exec(metrics)?.[1]);
    assert.ok(held < 4 * 1024 * 1024, `${held} bytes wait`);
    assert.equal(isDone, false);
    realtime.socket.resume();
    await realtime.next('response.done');
    assert.equal((await recordOf('slow')).length, 1);
  });
});
