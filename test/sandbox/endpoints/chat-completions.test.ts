import assert from 'node:assert/strict';
import { test } from 'node:test';
import type OpenAI from 'openai';
import { errorIn, openSandbox } from '../open-sandbox.ts';

const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'system', content: 'Be brief' },
  { role: 'user', content: 'Hello' },
];
const text = '[sandbox gpt-4o] Instructions: Be brief. You said: Hello';

test('a plain completion', async (t) => {
  const { openai } = await openSandbox(t);
  const completion = await openai.chat.completions.create({
    model: 'gpt-4o',
    messages,
    n: 2,
    metadata: { sandbox: 'cached=3,reasoning=2' },
  });
  assert.match(completion.id, /^chatcmpl-[0-9A-Za-z]{29}$/);
  assert.equal(completion.model, 'gpt-4o-2024-08-06');
  assert.deepEqual(
    completion.choices.map(({ message, finish_reason }) => [message.content, finish_reason]),
    [
      [text, 'stop'],
      [text, 'stop'],
    ],
  );
  const outputTokens = 2 * Math.ceil(text.length / 4) + 2;
  assert.deepEqual(completion.usage, {
    prompt_tokens: 4 + 3,
    completion_tokens: outputTokens,
    total_tokens: 7 + outputTokens,
    prompt_tokens_details: { cached_tokens: 3, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 2,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  });
});

for (const includeUsage of [true, false]) {
  test(`a stream ${includeUsage ? 'with' : 'without'} usage`, async (t) => {
    const { post } = await openSandbox(t);
    const options = includeUsage ? { stream_options: { include_usage: true } } : {};
    const answer = await post('/chat/completions', { model: 'gpt-4o', messages, stream: true, ...options });
    const lines = (await answer.text()).split('\n\n');
    assert.deepEqual(lines.splice(-2), ['data: [DONE]', '']);
    const chunks = lines.map((line) => JSON.parse(line.replace(/^data: /, '')));
    const usageChunk = includeUsage ? chunks.pop() : null;
    assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: '', refusal: null });
    assert.equal(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join(''), text);
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    assert.ok(chunks.every((chunk) => chunk.usage === (includeUsage ? null : undefined)));
    if (!includeUsage) return;
    assert.deepEqual(usageChunk.choices, []);
    assert.equal(usageChunk.usage.completion_tokens, Math.ceil(text.length / 4));
  });
}

test("the SDK's stream helper assembles the completion", async (t) => {
  const { openai } = await openSandbox(t);
  const stream = openai.chat.completions.stream({ model: 'gpt-4o', messages, stream_options: { include_usage: true } });
  const completion = await stream.finalChatCompletion();
  assert.equal(completion.choices[0]?.message.content, text);
  assert.equal(completion.usage?.prompt_tokens, 4);
});

test('a limit ends with finish_reason length', async (t) => {
  const { openai } = await openSandbox(t);
  for (const limit of [{ max_tokens: 3 }, { max_completion_tokens: 3 }]) {
    const completion = await openai.chat.completions.create({ model: 'gpt-4o', messages, ...limit });
    assert.equal(completion.choices[0]?.finish_reason, 'length');
    assert.equal(completion.choices[0]?.message.content, text.slice(0, 12));
    assert.equal(completion.usage?.completion_tokens, 3);
  }
});

test('a structured output satisfies its schema', async (t) => {
  const { openai } = await openSandbox(t);
  const schema = { type: 'object', properties: { done: { type: 'boolean' } }, required: ['done'] };
  const completion = await openai.chat.completions.parse({
    model: 'gpt-4o',
    messages,
    response_format: { type: 'json_schema', json_schema: { name: 'state', schema } },
  });
  assert.deepEqual(completion.choices[0]?.message.parsed, { done: true });
});

test('an answer refuses, or is incomplete, on demand', async (t) => {
  const { openai, calls } = await openSandbox(t);
  const ask = (sandbox: string, stream: boolean) => {
    const body = { model: 'gpt-4o', messages, metadata: { sandbox }, stream_options: { include_usage: true } };
    return stream
      ? openai.chat.completions.stream({ ...body, stream: true }).finalChatCompletion()
      : openai.chat.completions.create({ ...body, stream_options: null });
  };
  for (const stream of [false, true]) {
    const [refused] = (await ask('refusal', stream)).choices;
    assert.match(refused?.message.refusal ?? '', /sorry/);
    assert.equal(refused?.message.content ?? '', '');
    assert.equal(refused?.finish_reason, 'stop');
  }
  const whole = await ask('words=20', false);
  const { choices, usage } = await ask('words=20,incomplete', false);
  assert.equal(choices[0]?.finish_reason, 'length');
  assert.equal(usage?.completion_tokens, Math.floor((whole.usage?.completion_tokens ?? 0) / 2));
  assert.equal((await calls()).at(-1)?.output_tokens, usage?.completion_tokens);
});

test('refusals name the parameter', async (t) => {
  const { post } = await openSandbox(t);
  const cases: [body: unknown, param: string][] = [
    [{ model: 'gpt-4o' }, 'messages'],
    [{ model: 'gpt-4o', messages: 'x' }, 'messages'],
    [{ model: 'gpt-4o', messages: [{ role: 'user', content: 1 }] }, 'messages[0].content'],
    [{ model: 'gpt-4o', messages, n: 0 }, 'n'],
    [{ model: 'gpt-4o', messages, response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
  ];
  for (const [body, param] of cases) {
    const answer = await post('/chat/completions', body);
    assert.equal(answer.status, 400);
    assert.equal((await errorIn(answer)).param, param);
  }
});
