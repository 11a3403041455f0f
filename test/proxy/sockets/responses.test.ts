import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { Client } from 'pg';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { everyModel } from './realtime-client.ts';
import { type Event, openResponses } from './responses-client.ts';

suite('a session of the Responses API', () => {
  const scope = suiteScope();
  let stack: Stack;
  let db: Client;
  before(async () => {
    stack = await startStack(scope, { prepare: everyModel() });
    db = new Client({ connectionString: stack.database.url });
    await db.connect();
    scope.after(() => db.end());
  });

  const open = (session: string) => openResponses(scope, stack, { 'x-user-id': 'ada', 'x-session-id': session });
  const recordsOf = async (session: string, count: number) =>
    until(async () => {
      const { rows } = await db.query(
        `select operation, status, error_code, http_status, model, response_id, previous_response_id, is_stream,
           input_tokens::int, output_tokens::int, total_tokens::int, cost_usd::float8, conversation_id, branch_id,
           time_to_first_token_ms, request_id
         from chaperone.requests where session_id = $1 order by started_at, request_id`,
        [session],
      );
      return rows.length >= count && rows;
    }, `${count} records of ${session}`);
  const billOf = async (id: unknown) =>
    (await fetch(new URL(`/sandbox/calls/${id}`, stack.upstreamUrl)).then((answer) => answer.json())) as Record<
      string,
      unknown
    >;
  const textOf = ({ response }: Event) => JSON.stringify(response.output);

  test('serves OpenAI’s own client, with a record of each response that equals the provider’s count', async () => {
    const client = await open('two');
    client.create({ input: 'My name is Ada.' });
    const first = await client.next('response.completed');
    assert.match(textOf(first), /You said: My name is Ada\./);
    client.create({ input: 'What is it?', previous_response_id: first.response.id });
    const second = await client.next('response.completed');
    assert.equal(second.response.previous_response_id, first.response.id);
    const types = client.events.map(({ type }) => type);
    assert.deepEqual(types.slice(0, 2), ['response.created', 'response.in_progress']);
    assert.ok(types.includes('response.output_text.delta'));
    client.socket.close();
    const records = await recordsOf('two', 2);
    for (const [index, record] of records.entries()) {
      const bill = await billOf(record.response_id);
      assert.deepEqual(
        [record.operation, record.status, record.http_status, record.is_stream],
        ['responses', 'completed', 200, true],
      );
      assert.deepEqual(
        [record.input_tokens, record.output_tokens, record.total_tokens],
        [bill.input_tokens, bill.output_tokens, bill.total_tokens],
      );
      assert.ok(Math.abs(record.cost_usd - (record.input_tokens * 2.5 + record.output_tokens * 10) / 1e6) < 1e-12);
      assert.equal(record.response_id, [first, second][index]?.response.id);
      assert.ok(record.time_to_first_token_ms !== null);
    }
    assert.equal(records[1]?.previous_response_id, first.response.id);
    // Both are in one conversation, as by POST.
    assert.equal(records[1]?.conversation_id, records[0]?.conversation_id);
    assert.ok(records[0]?.conversation_id);
  });

  test('the provider is asked in a session, with its own key, and without what is about transport', async () => {
    const client = await open('transport');
    client.create({ input: 'Hi', stream: true, store: false, metadata: { note: 'kept' } });
    const { response } = await client.next('response.completed');
    assert.equal(response.store, false);
    const { endpoint, body, key } = await billOf(response.id);
    assert.equal(endpoint, '/v1/responses');
    assert.deepEqual(JSON.parse(String(body)), {
      model: 'gpt-4o',
      input: 'Hi',
      store: false,
      metadata: { note: 'kept' },
    });
    assert.notEqual(key, stack.token.slice(-4));
    // What is not stored can be continued on its connection alone.
    client.create({ input: 'Go on', previous_response_id: response.id, store: false });
    assert.match(textOf(await client.next('response.completed')), /Go on/);
    const other = await open('transport-other');
    other.create({ input: 'Go on', previous_response_id: response.id });
    const { error, status } = await other.next('error');
    assert.deepEqual([status, error.code], [400, 'previous_response_not_found']);
    other.create({ input: 'Begin anew' });
    await other.next('response.completed');
  });

  test('a client that leaves in the middle of an answer is billed what the provider made', async () => {
    const client = await open('left');
    client.create({ input: 'A story', metadata: { sandbox: 'words=300,delta-delay=2' } });
    await client.next('response.output_text.delta');
    client.socket.terminate();
    const [record] = await recordsOf('left', 1);
    const bill = await billOf(record?.response_id);
    assert.deepEqual(
      [record?.status, record?.error_code, record?.total_tokens],
      ['cancelled', 'client_disconnected', bill.total_tokens],
    );
    assert.equal(bill.status, 'completed');
  });

  test('what the provider refuses is told as it says, and the session goes on', async () => {
    const client = await open('refused');
    client.create({ input: 'Hi', metadata: { sandbox: 'status=429' } });
    const { status, error } = await client.next('error');
    assert.deepEqual([status, error.type], [429, 'requests']);
    client.create({ input: 'Hi', metadata: { sandbox: 'error-in-stream' } });
    const inStream = await client.next('error');
    assert.equal(inStream.code, 'server_error');
    client.create({ input: 'Hi', metadata: { sandbox: 'failed' } });
    assert.equal((await client.next('response.failed')).response.status, 'failed');
    client.create({ input: 'Hi' });
    await client.next('response.completed');
    const records = await recordsOf('refused', 4);
    assert.deepEqual(
      records.map((record) => [record.status, record.http_status]),
      [
        ['failed', 429],
        ['failed', 200],
        ['failed', 200],
        ['completed', 200],
      ],
    );
  });

  test('a provider that closes its session fails what is under way; the next response opens another', async () => {
    const client = await open('cut');
    client.create({ input: 'Hi', metadata: { sandbox: 'words=50,cut' } });
    assert.equal((await client.next('error')).error.code, 'upstream_interrupted');
    client.create({ input: 'Hi', metadata: { sandbox: 'reset' } });
    assert.equal((await client.next('error')).error.code, 'upstream_interrupted');
    client.create({ input: 'Hi' });
    await client.next('response.completed');
    const records = await recordsOf('cut', 3);
    assert.deepEqual(
      records.map((record) => [record.status, record.error_code]),
      [
        ['failed', 'upstream_interrupted'],
        ['failed', 'upstream_interrupted'],
        ['completed', null],
      ],
    );
  });

  test('what a session does not serve is refused by its own words', async () => {
    const client = await open('unserved');
    client.create({ input: 'Hi', background: true });
    const background = await client.next('error');
    assert.deepEqual([background.status, background.error.param], [400, 'background']);
    client.send({ type: 'response.steer', previous_response_id: 'resp_1', input: 'Shorter' });
    const failed = await client.next('response.steer.failed');
    assert.equal(failed.error.code, 'steering_not_supported');
    assert.deepEqual(failed.steer, { input: 'Shorter', previous_response_id: 'resp_1' });
    client.send({ type: 'response.inject' });
    assert.equal((await client.next('error')).error.param, 'type');
    client.create({ input: 'Hi', Model: 'gpt-4o' });
    assert.equal((await client.next('error')).error.param, 'Model');
  });

  test('a persona instructs a response', async () => {
    const answer = await fetch(`${stack.baseUrl}/personas`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'pirate', content: 'Talk like a pirate.' }),
    });
    const { id } = (await answer.json()) as { id: string };
    const client = await open('persona');
    client.create({ input: 'Hi', persona_id: id, instructions: 'No pirate.' });
    const { response } = await client.next('response.completed');
    assert.equal(response.instructions, 'Talk like a pirate.');
  });
});
