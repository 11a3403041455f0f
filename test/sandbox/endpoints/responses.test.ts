import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { errorIn, openSandbox } from '../open-sandbox.ts';

test('a plain response repeats its instructions, and reports its usage', async (t) => {
  const { openai } = await openSandbox(t);
  const { data: response, response: raw } = await openai.responses
    .create({ model: 'gpt-4o', instructions: 'Be brief', input: 'Hello', metadata: { a: 'b' }, temperature: 0.5 })
    .withResponse();
  assert.match(response.id, /^resp_[0-9a-f]{48}$/);
  assert.match(raw.headers.get('x-request-id') ?? '', /^req_[0-9a-f]{32}$/);
  assert.match(raw.headers.get('openai-processing-ms') ?? '', /^\d+$/);
  assert.equal(raw.headers.get('openai-version'), '2020-10-01');
  const text = '[sandbox gpt-4o] Instructions: Be brief. You said: Hello';
  assert.equal(response.output_text, text);
  const { status, model, instructions, metadata, temperature, previous_response_id: previousId } = response;
  assert.deepEqual(
    { status, model, instructions, metadata, temperature, previousId },
    {
      status: 'completed',
      model: 'gpt-4o-2024-08-06',
      instructions: 'Be brief',
      metadata: { a: 'b' },
      temperature: 0.5,
      previousId: null,
    },
  );
  const inputTokens = Math.ceil('Be briefHello'.length / 4);
  const outputTokens = Math.ceil(text.length / 4);
  assert.deepEqual(response.usage, {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  });
});

test('a stream has the same response, event by event', async (t) => {
  const { post } = await openSandbox(t);
  const answer = await post('/responses', { model: 'gpt-4o', input: 'Hello', stream: true });
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
  const blocks = (await answer.text()).split('\n\n').slice(0, -1);
  const events = blocks.map((block) => {
    const [, type, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
    const event = JSON.parse(data ?? '');
    assert.equal(event.type, type);
    return event;
  });
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, index) => index),
  );
  const order = events.map((event) => event.type).filter((type, index, all) => type !== all[index - 1]);
  assert.deepEqual(order, [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  const deltas = events.filter((event) => event.type === 'response.output_text.delta');
  const text = deltas.map((event) => event.delta).join('');
  const { response } = events.at(-1);
  assert.equal(text, '[sandbox gpt-4o] Instructions: none. You said: Hello');
  assert.equal(response.output[0].content[0].text, text);
  assert.equal(response.usage.output_tokens, Math.ceil(text.length / 4));
  assert.equal(events[0].response.status, 'in_progress');
});

test("the SDK's own stream helper assembles the response, including the reasoning item", async (t) => {
  const { openai } = await openSandbox(t);
  const stream = openai.responses.stream({
    model: 'o4-mini',
    input: 'Hi',
    metadata: { sandbox: 'reasoning=7,cached=5' },
  });
  const response = await stream.finalResponse();
  assert.deepEqual(
    response.output.map((item) => item.type),
    ['reasoning', 'message'],
  );
  assert.equal(response.usage?.output_tokens_details.reasoning_tokens, 7);
  assert.equal(response.usage?.input_tokens_details.cached_tokens, 5);
  assert.equal(response.usage?.input_tokens, 6);
  assert.equal(response.usage?.output_tokens, 7 + Math.ceil(response.output_text.length / 4));
});

test('a limit cuts the answer and says so, whole and in a stream', async (t) => {
  const { openai } = await openSandbox(t);
  const request = { model: 'gpt-4o', input: 'a long story', max_output_tokens: 16 };
  const whole = await openai.responses.create({ ...request, metadata: { sandbox: 'words=500' } });
  const types: string[] = [];
  for await (const event of await openai.responses.create({ ...request, input: 'x'.repeat(400), stream: true })) {
    types.push(event.type);
  }
  assert.equal(whole.status, 'incomplete');
  assert.deepEqual(whole.incomplete_details, { reason: 'max_output_tokens' });
  assert.equal(whole.usage?.output_tokens, 16);
  assert.equal(types.at(-1), 'response.incomplete');
});

test('reasoning that takes all tokens leaves no message', async (t) => {
  const { openai } = await openSandbox(t);
  const request = { model: 'o3', input: 'Hi', max_output_tokens: 20, metadata: { sandbox: 'reasoning=100' } };
  const response = await openai.responses.create(request);
  assert.equal(response.status, 'incomplete');
  assert.deepEqual(
    response.output.map((item) => item.type),
    ['reasoning'],
  );
  assert.equal(response.usage?.output_tokens, 20);
});

test('a chain of responses has its context, and bills it', async (t) => {
  const { openai } = await openSandbox(t);
  const first = await openai.responses.create({ model: 'gpt-4o', input: 'My name is Ada' });
  const second = await openai.responses.create({ model: 'gpt-4o', input: 'Who am I?', previous_response_id: first.id });
  assert.match(second.output_text, /You said: Who am I\? \(before that: My name is Ada\)$/);
  const bytes = 'My name is Ada'.length + first.output_text.length + 'Who am I?'.length;
  assert.equal(second.usage?.input_tokens, Math.ceil(bytes / 4));
  assert.equal(second.previous_response_id, first.id);
});

test('stored responses are retrieved, listed by their input, and deleted', async (t) => {
  const { openai } = await openSandbox(t);
  const first = await openai.responses.create({ model: 'gpt-4o', input: 'one' });
  const second = await openai.responses.create({ model: 'gpt-4o', input: 'two', previous_response_id: first.id });
  assert.deepEqual(await openai.responses.retrieve(second.id), second);

  const roles: string[] = [];
  for await (const item of openai.responses.inputItems.list(second.id, { limit: 2 })) {
    roles.push('role' in item && item.role ? item.role : item.type);
  }
  assert.deepEqual(roles, ['user', 'assistant', 'user']);

  await openai.responses.delete(first.id);
  await assert.rejects(openai.responses.retrieve(first.id), OpenAI.NotFoundError);
  await assert.rejects(openai.responses.delete(first.id), OpenAI.NotFoundError);
});

test('a streamed response can be continued, one with store: false cannot', async (t) => {
  const { openai } = await openSandbox(t);
  const streamed = await openai.responses.stream({ model: 'gpt-4o', input: 'one' }).finalResponse();
  assert.equal((await openai.responses.retrieve(streamed.id)).id, streamed.id);
  const unstored = await openai.responses.create({ model: 'gpt-4o', input: 'one', store: false });
  await assert.rejects(openai.responses.retrieve(unstored.id), OpenAI.NotFoundError);
  const next = openai.responses.create({ model: 'gpt-4o', input: 'two', previous_response_id: unstored.id });
  await assert.rejects(next, (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.code, error.param], ['previous_response_not_found', 'previous_response_id']);
    return true;
  });
});

test('a structured output satisfies its schema', async (t) => {
  const { openai } = await openSandbox(t);
  const schema = {
    type: 'object',
    properties: { summary: { type: 'string' }, score: { type: 'integer', minimum: 3 }, tags: { $ref: '#/$defs/tags' } },
    required: ['summary', 'score', 'tags'],
    additionalProperties: false,
    $defs: { tags: { type: 'array', items: { enum: ['a', 'b'] } } },
  };
  const response = await openai.responses.parse({
    model: 'gpt-4o',
    instructions: 'Be brief',
    input: 'Rate this',
    text: { format: { type: 'json_schema', name: 'rating', schema, strict: true } },
  });
  assert.deepEqual(response.output_parsed, {
    summary: '[sandbox gpt-4o] Instructions: Be brief. You said: Rate this',
    score: 3,
    tags: ['a'],
  });
});

test('system and developer messages instruct, parts of a message are read', async (t) => {
  const { openai } = await openSandbox(t);
  const response = await openai.responses.create({
    model: 'gpt-4.1',
    instructions: 'A',
    input: [
      { role: 'developer', content: 'B' },
      { role: 'user', content: [{ type: 'input_text', text: 'C' }] },
    ],
  });
  assert.equal(response.output_text, '[sandbox gpt-4.1] Instructions: A B. You said: C');
});

const wrong = 'invalid_type';
const refusals: [body: Record<string, unknown>, status: number, param: string | null, code: string | null][] = [
  [{ input: 'x' }, 400, 'model', 'missing_required_parameter'],
  [{ model: 'gpt-4o' }, 400, 'input', 'missing_required_parameter'],
  [{ model: 5, input: 'x' }, 400, 'model', wrong],
  [{ model: 'gpt-9', input: 'x' }, 404, null, 'model_not_found'],
  [{ model: 'text-embedding-3-small', input: 'x' }, 404, 'model', null],
  [{ model: 'gpt-4o', input: 7 }, 400, 'input', wrong],
  [{ model: 'gpt-4o', input: ['x'] }, 400, 'input[0]', wrong],
  [{ model: 'gpt-4o', input: [{ role: 'king', content: 'x' }] }, 400, 'input[0].role', 'invalid_value'],
  [{ model: 'gpt-4o', input: [{ role: 'user', content: null }] }, 400, 'input[0].content', wrong],
  [{ model: 'gpt-4o', input: 'x', temperature: 3 }, 400, 'temperature', 'decimal_above_max_value'],
  [{ model: 'gpt-4o', input: 'x', max_output_tokens: 1 }, 400, 'max_output_tokens', 'integer_below_min_value'],
  [{ model: 'gpt-4o', input: 'x', metadata: { a: 1 } }, 400, 'metadata.a', wrong],
  [{ model: 'gpt-4o', input: 'x', stream: 'yes' }, 400, 'stream', wrong],
  [{ model: 'gpt-4o', input: 'x', background: true, store: false }, 400, 'background', 'invalid_value'],
  [{ model: 'gpt-4o', input: 'x', metadata: { sandbox: 'oops' } }, 400, 'metadata.sandbox', 'invalid_value'],
  [
    { model: 'gpt-4o', input: 'x', text: { format: { type: 'json_schema' } } },
    400,
    'text.format.name',
    'missing_required_parameter',
  ],
];

for (const [body, status, param, code] of refusals) {
  test(`refused: ${JSON.stringify(body)}`, async (t) => {
    const { post } = await openSandbox(t);
    const answer = await post('/responses', body);
    const error = await errorIn(answer);
    assert.deepEqual(
      [answer.status, error.type, error.param, error.code],
      [status, 'invalid_request_error', param, code],
    );
    assert.equal(typeof error.message, 'string');
  });
}
