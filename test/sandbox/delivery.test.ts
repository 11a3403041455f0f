import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { until } from '../until.ts';
import { openSandbox } from './open-sandbox.ts';

/** Makes a streamed call with `faults` and returns what was heard, how it ended, and how it was counted. */
async function stream(t: TestContext, path: '/responses' | '/chat/completions', faults: string, tools?: object[]) {
  const { post, calls } = await openSandbox(t);
  const prompt = path === '/responses' ? { input: 'Hi' } : { messages: [{ role: 'user', content: 'Hi' }] };
  const called = tools && { tools, tool_choice: 'required' };
  const body = { model: 'gpt-4o', ...prompt, ...called, stream: true, metadata: { sandbox: faults } };
  let heard = '';
  let broken = false;
  try {
    const answer = await post(path, body);
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) heard += decoder.decode(chunk, { stream: true });
  } catch {
    broken = true;
  }
  const call = await until(async () => (await calls()).find((candidate) => candidate.status !== 'running'));
  return { heard, broken, status: call.status, tokens: call.total_tokens };
}

async function drain<Event>(events: AsyncIterable<Event>): Promise<Event[]> {
  const drained: Event[] = [];
  for await (const event of events) drained.push(event);
  return drained;
}

const terminal = { '/responses': 'event: response.completed', '/chat/completions': 'data: [DONE]' } as const;

for (const path of ['/responses', '/chat/completions'] as const) {
  test(`${path}: a cut breaks the connection after half of the deltas`, async (t) => {
    const { heard, broken, status } = await stream(t, path, 'cut,words=20');
    assert.ok(broken);
    assert.equal(status, 'failed');
    const deltas = heard.match(/"delta":"|"delta":\{"content"/g) ?? [];
    assert.equal(deltas.length, 10);
  });

  test(`${path}: a torn stream ends within an event`, async (t) => {
    const { heard, broken } = await stream(t, path, 'torn,words=20');
    assert.ok(broken);
    assert.doesNotMatch(heard, /\n\n$/);
  });

  test(`${path}: a cut breaks a call in its arguments`, async (t) => {
    const parameters = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } };
    const definition = { name: 'add', parameters };
    const { heard, broken, status } = await stream(t, path, 'cut', [
      { type: 'function', ...definition, function: definition },
    ]);
    assert.ok(broken);
    assert.equal(status, 'failed');
    // {" a ": 1 ," b ": 1 }
    const deltas = heard.match(/"delta":"|"function":\{"arguments"/g) ?? [];
    assert.equal(deltas.length, 5);
  });

  test(`${path}: an error inside the stream ends it`, async (t) => {
    const { heard, broken, status } = await stream(t, path, 'error-in-stream');
    assert.ok(!broken && heard.includes('server_error') && !heard.includes(terminal[path]));
    assert.equal(status, 'failed');
  });

  test(`${path}: garbage is not JSON`, async (t) => {
    const { heard, status } = await stream(t, path, 'garbage');
    assert.throws(() => JSON.parse(/data: (.*)\n\n$/.exec(heard)?.[1] ?? ''), SyntaxError);
    assert.equal(status, 'failed');
  });

  test(`${path}: a stream may end without its terminal event`, async (t) => {
    const { heard, broken, status, tokens } = await stream(t, path, 'no-terminal');
    assert.ok(!broken && !heard.includes(terminal[path]) && !heard.includes('"finish_reason":"stop"'));
    assert.deepEqual([status, tokens], ['failed', 0]);
  });

  test(`${path}: an unknown event does no harm`, async (t) => {
    const { heard, status } = await stream(t, path, 'unknown-event,stall=5,delta-delay=1');
    assert.match(heard, /response\.sandbox\.note|chat\.completion\.note/);
    assert.ok(heard.includes(terminal[path]));
    assert.equal(status, 'completed');
  });

  test(`${path}: a reset comes before any byte`, async (t) => {
    const { heard, broken, status } = await stream(t, path, 'reset');
    assert.deepEqual([heard, broken, status], ['', true, 'failed']);
  });
}

test('the SDK raises an error event inside a stream', async (t) => {
  const { openai } = await openSandbox(t);
  const metadata = { sandbox: 'error-in-stream' };
  const stream = await openai.responses.create({ model: 'gpt-4o', input: 'Hi', stream: true, metadata });
  await assert.rejects(drain(stream), (error) => error instanceof OpenAI.APIError && error.code === 'server_error');
});

test('a failed response says so, whole and in a stream', async (t) => {
  const { openai, calls } = await openSandbox(t);
  const request = { model: 'gpt-4o', input: 'Hi', metadata: { sandbox: 'failed' } };
  const whole = await openai.responses.create(request);
  assert.deepEqual([whole.status, whole.error?.code, whole.output], ['failed', 'server_error', []]);
  const events = await drain(await openai.responses.create({ ...request, stream: true }));
  assert.equal(events.at(-1)?.type, 'response.failed');
  assert.deepEqual(
    (await calls()).map((call) => [call.status, call.total_tokens]),
    [
      ['failed', 0],
      ['failed', 0],
    ],
  );
});

test('whole answers: garbage, an error inside a 200, a cut, a stall', async (t) => {
  const { post } = await openSandbox(t);
  const ask = (sandbox: string) => post('/responses', { model: 'gpt-4o', input: 'Hi', metadata: { sandbox } });
  const garbage = await ask('garbage');
  assert.equal(garbage.status, 200);
  await assert.rejects(garbage.json(), SyntaxError);
  const error = await ask('error-in-stream');
  assert.deepEqual([error.status, JSON.parse(await error.text()).error.code], [200, 'server_error']);
  await assert.rejects(ask('cut').then((answer) => answer.text()));
  assert.equal(JSON.parse(await (await ask('stall=5')).text()).status, 'completed');
});

const classes = [
  [400, OpenAI.BadRequestError],
  [401, OpenAI.AuthenticationError],
  [403, OpenAI.PermissionDeniedError],
  [404, OpenAI.NotFoundError],
  [409, OpenAI.ConflictError],
  [422, OpenAI.UnprocessableEntityError],
  [429, OpenAI.RateLimitError],
  [500, OpenAI.InternalServerError],
  [503, OpenAI.InternalServerError],
] as const;

test('a status raises the SDK’s class for it, also when set by header', async (t) => {
  const { openai } = await openSandbox(t);
  for (const [status, expected] of classes) {
    const options = { headers: { 'x-sandbox': `latency=1,status=${status}` } };
    await assert.rejects(openai.embeddings.create({ model: 'text-embedding-3-small', input: 'x' }, options), expected);
  }
});

for (const sandbox of ['latency=60000', 'stall=60000', 'delta-delay=60000', 'words=500000']) {
  test(`a leaving client is noticed: ${sandbox}`, async (t) => {
    const { post, calls } = await openSandbox(t);
    const leaving = new AbortController();
    const body = { model: 'gpt-4o', input: 'Hi', stream: true, metadata: { sandbox } };
    const answer = post('/responses', body, { signal: leaving.signal });
    answer.catch(() => null);
    const reached = async () => (await calls()).find((call) => call.stream);
    const call = await until(reached);
    assert.equal(call.status, 'running');
    leaving.abort();
    const { status, output_tokens } = await until(async () => {
      const [left] = await calls();
      return left?.status !== 'running' && left;
    });
    assert.equal(status, 'aborted');
    assert.ok(output_tokens < 400_000);
  });
}

test('a stream waits for a client that does not read', async (t) => {
  const { post, calls } = await openSandbox(t);
  const body = { model: 'gpt-4o', input: 'Hi', stream: true, metadata: { sandbox: 'words=200000' } };
  const answer = await post('/responses', body);
  const billed = async () => (await calls())[0]?.output_tokens ?? 0;
  // Once the buffers between the two are full, nothing is billed any more.
  let [before, now] = [-1, await billed()];
  while (now !== before) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    [before, now] = [now, await billed()];
  }
  assert.equal((await calls())[0]?.status, 'running');
  const text = await answer.text();
  assert.ok(text.includes('event: response.completed'));
  assert.equal((await calls())[0]?.status, 'completed');
});
