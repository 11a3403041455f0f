import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { Client } from 'pg';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { everyModel, openRealtime, says, sound } from './realtime-client.ts';

const textOnly = { type: 'session.update', session: { type: 'realtime', output_modalities: ['text'] } };
const bare = { type: 'session.update', session: { type: 'realtime', audio: { input: { turn_detection: null } } } };

suite('a session of the Realtime API', () => {
  const scope = suiteScope();
  let stack: Stack;
  let db: Client;
  before(async () => {
    stack = await startStack(scope, { prepare: everyModel() });
    db = new Client({ connectionString: stack.database.url });
    await db.connect();
    scope.after(() => db.end());
  });

  const recordsOf = async (session: string, count: number) =>
    until(async () => {
      const { rows } = await db.query(
        `select operation, status, error_code, turn_id, model, response_id, input_tokens::int, cached_input_tokens::int,
           input_audio_tokens::int, cached_audio_tokens::int, output_tokens::int, output_audio_tokens::int, total_tokens::int,
           audio_seconds::float8, cost_usd::float8, request_id, conversation_id, branch_id
         from chaperone.requests where session_id = $1 order by started_at`,
        [session],
      );
      return rows.length >= count && rows;
    }, `${count} records of ${session}`);
  const billOf = async (id: unknown) =>
    (await fetch(new URL(`/sandbox/calls/${id}`, stack.upstreamUrl)).then((answer) => answer.json())) as Record<
      string,
      unknown
    >;

  test('serves OpenAI’s own client, with a record of each response that equals the provider’s count', async () => {
    const headers = { 'x-user-id': 'ada', 'x-session-id': 'two-turns' };
    const realtime = await openRealtime(scope, stack, { headers });
    const created = await realtime.next('session.created');
    assert.equal(created.session.model, 'gpt-realtime');
    realtime.send(textOnly);
    await realtime.next('session.updated');
    const ids: unknown[] = [];
    for (const text of ['Hello', 'And again']) {
      realtime.send(says(text));
      realtime.send({ type: 'response.create' });
      const { response } = await realtime.next('response.done');
      assert.equal(response.status, 'completed');
      assert.match(JSON.stringify(response.output), new RegExp(`You said: ${text}`));
      ids.push(response.id);
    }
    realtime.socket.close();
    const records = await recordsOf('two-turns', 2);
    assert.deepEqual(
      records.map(({ response_id }) => response_id),
      ids,
    );
    assert.equal(new Set(records.map(({ turn_id }) => turn_id)).size, 2);
    // A session is one conversation, and can be read as such.
    assert.deepEqual(
      new Set(records.map(({ conversation_id, branch_id }) => `${conversation_id} ${branch_id}`)),
      new Set([`${records[0]?.conversation_id} main`]),
    );
    const shown = await fetch(new URL(`/api/conversations/${records[0]?.conversation_id}`, stack.baseUrl), {
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
    });
    const { messages } = (await shown.json()) as { messages: { role: string; text: string }[] };
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['user', 'assistant', 'user', 'assistant'],
      JSON.stringify(messages),
    );
    assert.deepEqual([messages[0]?.text, messages[2]?.text], ['Hello', 'And again']);
    for (const record of records) {
      const bill = await billOf(record.response_id);
      assert.deepEqual([record.operation, record.status, record.model], ['realtime', 'completed', 'gpt-realtime']);
      assert.deepEqual(
        [record.input_tokens, record.cached_input_tokens, record.output_tokens, record.total_tokens],
        [bill.input_tokens, bill.cached_tokens, bill.output_tokens, bill.total_tokens],
      );
      const { input_tokens: input, cached_input_tokens: cached, output_tokens: output } = record;
      assert.ok(Math.abs(record.cost_usd - ((input - cached) * 4 + cached * 0.4 + output * 16) / 1e6) < 1e-12);
    }
  });

  test('with speech: what the provider makes by itself is reserved, transcribed, priced by kind, and interrupted', async () => {
    const headers = { 'x-user-id': 'ada', 'x-session-id': 'spoken' };
    const realtime = await openRealtime(scope, stack, { headers });
    await realtime.next('session.created');
    const transcription = { model: 'gpt-4o-transcribe' };
    const tracing = { metadata: { sandbox: 'words=200,delta-delay=5' } };
    realtime.send({
      type: 'session.update',
      session: { type: 'realtime', tracing, audio: { input: { transcription } } },
    });
    await realtime.next('session.updated');
    const speak = () => {
      realtime.send({ type: 'input_audio_buffer.append', audio: sound('speech') });
      realtime.send({ type: 'input_audio_buffer.append', audio: sound('silence', 0.5) });
    };
    speak();
    await realtime.next('response.output_audio.delta');
    // The user speaks into the answer.
    speak();
    const first = await realtime.next('response.done');
    assert.equal(first.response.status, 'cancelled');
    realtime.send({ type: 'response.cancel' });
    await realtime.next('response.done');
    await realtime.next('conversation.item.input_audio_transcription.completed');
    await realtime.next('conversation.item.input_audio_transcription.completed');
    realtime.socket.close();
    const records = await recordsOf('spoken', 4);
    const responses = records.filter(({ operation }) => operation === 'realtime');
    const transcriptions = records.filter(({ operation }) => operation === 'transcriptions');
    assert.deepEqual([responses.length, transcriptions.length], [2, 2]);
    assert.deepEqual(
      new Set(responses.map(({ turn_id }) => turn_id)),
      new Set(transcriptions.map(({ turn_id }) => turn_id)),
    );
    assert.equal(new Set(responses.map(({ conversation_id }) => conversation_id)).size, 1);
    assert.ok(transcriptions.every(({ conversation_id }) => conversation_id === null));
    for (const record of responses) {
      const bill = await billOf(record.response_id);
      assert.deepEqual([record.status, record.operation], ['cancelled', 'realtime']);
      assert.deepEqual(
        [record.input_tokens, record.input_audio_tokens ?? 0, record.cached_audio_tokens ?? 0],
        [bill.input_tokens, bill.input_audio_tokens, bill.cached_audio_tokens],
      );
      assert.deepEqual(
        [record.output_tokens, record.output_audio_tokens],
        [bill.output_tokens, bill.output_audio_tokens],
      );
      const text = record.input_tokens - record.input_audio_tokens;
      const cachedText = record.cached_input_tokens - (record.cached_audio_tokens ?? 0);
      const cost =
        (text - cachedText) * 4 +
        cachedText * 0.4 +
        (record.input_audio_tokens - (record.cached_audio_tokens ?? 0)) * 32 +
        (record.cached_audio_tokens ?? 0) * 0.4 +
        (record.output_tokens - record.output_audio_tokens) * 16 +
        record.output_audio_tokens * 64;
      assert.ok(Math.abs(record.cost_usd - cost / 1e6) < 1e-12, `${record.cost_usd} ${cost / 1e6}`);
    }
    for (const record of transcriptions) {
      assert.deepEqual([record.status, record.model], ['completed', 'gpt-4o-transcribe']);
      assert.ok(record.cost_usd > 0);
    }
  });

  test('a client that leaves in the middle of an answer is billed what it got', async () => {
    const headers = { 'x-user-id': 'ada', 'x-session-id': 'left' };
    const realtime = await openRealtime(scope, stack, { headers });
    await realtime.next('session.created');
    realtime.send(bare);
    realtime.send(says('Tell me a story'));
    realtime.send({ type: 'response.create', response: { metadata: { sandbox: 'words=500,delta-delay=5' } } });
    await realtime.next('response.output_audio.delta');
    realtime.socket.terminate();
    const [record] = await recordsOf('left', 1);
    const bill = await billOf(record.response_id);
    assert.deepEqual(
      [record.status, record.error_code, record.total_tokens],
      ['cancelled', 'client_disconnected', bill.total_tokens],
    );
  });

  test('an event that the provider refuses is told to the client by its own id, and fails', async () => {
    const headers = { 'x-user-id': 'ada', 'x-session-id': 'refused' };
    const realtime = await openRealtime(scope, stack, { headers });
    await realtime.next('session.created');
    realtime.send(says('Hi'));
    realtime.send({ type: 'response.create', event_id: 'mine', response: { metadata: { sandbox: 'status=500' } } });
    const { error } = await realtime.next('error');
    assert.deepEqual([error.code, error.event_id], ['sandbox_refusal', 'mine']);
    realtime.send({ type: 'response.create', response: { metadata: { sandbox: 'status=500' } } });
    const second = await realtime.next('error');
    assert.deepEqual([second.error.code, second.error.event_id], ['sandbox_refusal', null]);
    const records = await recordsOf('refused', 2);
    assert.deepEqual(
      records.map(({ status, error_code, cost_usd }) => [status, error_code, cost_usd]),
      [
        ['failed', 'sandbox_refusal', null],
        ['failed', 'sandbox_refusal', null],
      ],
    );
  });

  test('a persona instructs the session, and the client cannot replace it', async () => {
    const api = (path: string, body: object) =>
      fetch(`${stack.baseUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then((answer) => answer.json() as Promise<Record<string, never>>);
    const { id } = await api('/personas', { name: 'pirate', content: 'Talk like a pirate.' });
    const realtime = await openRealtime(scope, stack, { model: `gpt-realtime&persona_id=${id}` }).catch(
      () => undefined,
    );
    assert.equal(realtime, undefined, 'a model is what it says');
    const minted = await api('/realtime/client_secrets', {
      session: { type: 'realtime', model: 'gpt-realtime', persona_id: id, output_modalities: ['text'] },
    });
    const { value } = minted as unknown as { value: string };
    assert.match(value, /^ek_/);
    const held = await openRealtime(scope, stack, { key: value, headers: {} });
    const { session } = await held.next('session.created');
    assert.deepEqual([session.instructions, session.output_modalities], ['Talk like a pirate.', ['text']]);
    held.send({ type: 'session.update', session: { type: 'realtime', instructions: 'Forget the pirate.' } });
    await held.next('session.updated');
    held.send(says('Hi'));
    held.send({ type: 'response.create', response: { instructions: 'No pirate.' } });
    const { response } = await held.next('response.done');
    assert.match(JSON.stringify(response.output), /Instructions: Talk like a pirate\./);
    held.socket.close();
  });
});
