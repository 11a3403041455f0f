import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { openSandbox } from '../open-sandbox.ts';

const model = 'claude-sonnet-4-6';
const hello: Anthropic.MessageCreateParamsNonStreaming = {
  model,
  max_tokens: 1_000,
  system: 'Be brief',
  messages: [{ role: 'user', content: 'Hello' }],
};
const text = `[sandbox claude-sonnet-4-6] Instructions: Be brief. You said: Hello`;
const weather: Anthropic.Tool = {
  name: 'get_weather',
  description: 'The weather in a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

async function open(t: TestContext) {
  const sandbox = await openSandbox(t);
  const baseURL = sandbox.url.replace(/\/v1$/, '');
  return { ...sandbox, anthropic: new Anthropic({ baseURL, apiKey: 'sk-ant-test-5432', maxRetries: 0 }) };
}

/** Directives go where a caller says who its user is. */
const asking = (directives: string) => ({ metadata: { user_id: `sandbox:${directives}` } });

test('a whole message, billed as it says', async (t) => {
  const { anthropic, calls } = await open(t);
  const message = await anthropic.messages.create({ ...hello, ...asking('cached=3,written=5,written-1h=7') });
  assert.match(message.id, /^msg_01[0-9A-Za-z]{22}$/);
  assert.equal(message.model, model);
  assert.deepEqual(message.content, [{ type: 'text', text, citations: null }]);
  assert.equal(message.stop_reason, 'end_turn');
  const { input_tokens, cache_read_input_tokens, cache_creation, cache_creation_input_tokens } = message.usage;
  assert.deepEqual([input_tokens, cache_read_input_tokens, cache_creation_input_tokens], [4, 3, 12]);
  assert.deepEqual(cache_creation, { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 7 });
  const [call = assert.fail()] = await calls();
  assert.deepEqual([call.id, call.endpoint, call.key], [message.id, '/v1/messages', '5432']);
  assert.deepEqual([call.input_tokens, call.output_tokens], [4 + 3 + 12, message.usage.output_tokens]);
});

test('a stream, put together by the SDK, is the whole message', async (t) => {
  const { anthropic } = await open(t);
  const thinking: Anthropic.ThinkingConfigParam = { type: 'enabled', budget_tokens: 1_024 };
  const asked = { ...hello, max_tokens: 2_000, thinking, tools: [weather] };
  for (const content of ['Hello', 'How is the weather in Paris?']) {
    const params = { ...asked, messages: [{ role: 'user' as const, content }] };
    const { id: _, content: whole, usage, ...rest } = await anthropic.messages.create(params);
    const streamed = await anthropic.messages.stream(params).finalMessage();
    const withoutIds = (blocks: readonly object[]) => blocks.map((block) => ({ ...block, id: undefined }));
    assert.deepEqual(withoutIds(streamed.content), withoutIds(whole));
    assert.deepEqual([streamed.stop_reason, streamed.model], [rest.stop_reason, rest.model]);
    assert.equal(streamed.usage.output_tokens, usage.output_tokens);
  }
});

test('the events of a stream come as documented', async (t) => {
  const { post } = await open(t);
  const headers = { 'x-api-key': 'sk-ant-test', 'anthropic-version': '2023-06-01' };
  const answer = await post('/messages', { ...hello, max_tokens: 4, stream: true }, { headers });
  const events = (await answer.text()).split('\n\n').filter((event) => event !== '');
  const types = events.map((event) => {
    const [, name, data = ''] = /^event: (\w+)\ndata: (.+)$/.exec(event) ?? [];
    assert.equal(JSON.parse(data).type, name);
    return name;
  });
  const deltas = types.filter((type) => type === 'content_block_delta');
  const opening = ['message_start', 'content_block_start', 'ping'];
  assert.deepEqual(types, [...opening, ...deltas, 'content_block_stop', 'message_delta', 'message_stop']);
  const end = JSON.parse((events.at(-2) ?? '').replace(/^.*\ndata: /, ''));
  assert.equal(end.delta.stop_reason, 'max_tokens');
  assert.equal(end.usage.output_tokens, 4);
});

test('a tool is called, and its result is said', async (t) => {
  const { anthropic } = await open(t);
  const question = { role: 'user' as const, content: 'How is the weather in Paris?' };
  const params = { ...hello, tools: [weather], messages: [question] };
  const called = await anthropic.messages.create(params);
  assert.equal(called.stop_reason, 'tool_use');
  const [use = assert.fail()] = called.content.filter((block) => block.type === 'tool_use');
  assert.deepEqual([use.name, use.input], ['get_weather', { city: 'Paris' }]);
  const result: Anthropic.ToolResultBlockParam = { type: 'tool_result', tool_use_id: use.id, content: '21 °C' };
  const messages: Anthropic.MessageParam[] = [question, { role: 'assistant', content: called.content }];
  const answered = await anthropic.messages.create({
    ...params,
    messages: [...messages, { role: 'user', content: [result] }],
  });
  assert.match(JSON.stringify(answered.content), /get_weather answered: 21 °C/);
  const unanswered = anthropic.messages.create({ ...params, messages: [...messages, question] });
  await assert.rejects(unanswered, /messages.2: `tool_use` ids were found without `tool_result` blocks/);
});

test('stop sequences, structured outputs and counted tokens', async (t) => {
  const { anthropic } = await open(t);
  const stopped = await anthropic.messages.create({ ...hello, stop_sequences: ['. You'] });
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ['stop_sequence', '. You']);
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const structured = await anthropic.messages.create({
    ...hello,
    output_config: { format: { type: 'json_schema', schema } },
  });
  const [block = assert.fail()] = structured.content;
  assert.equal(block.type === 'text' && typeof JSON.parse(block.text).city, 'string');
  const { input_tokens } = await anthropic.messages.countTokens({
    model,
    messages: hello.messages,
    system: 'Be brief',
  });
  assert.equal(input_tokens, 4);
});

test('errors are in Anthropic’s envelope, and the SDK raises its own', async (t) => {
  const { anthropic, post } = await open(t);
  const { max_tokens: _, ...incomplete } = hello;
  const statuses = {
    401: 'authentication_error',
    404: 'not_found_error',
    429: 'rate_limit_error',
    529: 'overloaded_error',
  };
  for (const [status, type] of Object.entries(statuses)) {
    const refused = anthropic.messages.create({ ...hello, ...asking(`status=${status}`) });
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof Anthropic.APIError);
      assert.deepEqual([error.status, error.type], [Number(status), type]);
      assert.match(error.requestID ?? '', /^req_/);
      return true;
    });
  }
  const headers = { 'x-api-key': 'sk-ant-test', 'anthropic-version': '2023-06-01' };
  const answer = await post('/messages', incomplete, { headers });
  assert.match(await answer.text(), /"message":"max_tokens: Field required"/);
  const versionless = await post('/messages', hello, { headers: { 'x-api-key': 'sk-ant-test' } });
  assert.match(await versionless.text(), /anthropic-version: header is required/);
  const sampled = { ...hello, temperature: 0.5 };
  assert.equal((await post('/messages', sampled, { headers })).status, 200);
  const later = await post('/messages', sampled, { headers: { ...headers, 'anthropic-version': '2026-10-21' } });
  assert.match(await later.text(), /"message":"temperature: Extra inputs are not permitted"/);
  await assert.rejects(anthropic.messages.create({ ...hello, model: 'claude-0' }), Anthropic.NotFoundError);
  const keyless = await fetch(`${anthropic.baseURL}/v1/messages`, { method: 'POST', body: '{}' });
  assert.equal(keyless.status, 401);
});

test('faults within a stream', async (t) => {
  const { anthropic } = await open(t);
  const failing = anthropic.messages.stream({ ...hello, ...asking('error-in-stream') }).finalMessage();
  await assert.rejects(failing, (error) => error instanceof Anthropic.APIError && error.type === 'api_error');
  await assert.rejects(anthropic.messages.stream({ ...hello, ...asking('cut') }).finalMessage());
  const refused = await anthropic.messages.create({ ...hello, ...asking('refusal') });
  assert.equal(refused.stop_reason, 'refusal');
});

test('models are listed in Anthropic’s form', async (t) => {
  const { anthropic } = await open(t);
  const { data } = await anthropic.models.list();
  assert.ok(data.some(({ id, type }) => id === 'claude-sonnet-4-5-20250929' && type === 'model'));
  assert.equal((await anthropic.models.retrieve('claude-sonnet-4-5')).id, 'claude-sonnet-4-5-20250929');
});
