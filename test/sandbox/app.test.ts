import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import OpenAI from 'openai';
import { errorIn, openSandbox } from './open-sandbox.ts';

test('models are listed and retrieved', async (t) => {
  const { openai } = await openSandbox(t);
  const { data } = await openai.models.list();
  const ids = data.map((model) => model.id);
  for (const id of ['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'o4-mini', 'gpt-5', 'text-embedding-3-large']) {
    assert.ok(ids.includes(id), id);
  }
  const model = await openai.models.retrieve('gpt-5-mini');
  assert.deepEqual([model.id, model.object], ['gpt-5-mini', 'model']);
  await assert.rejects(openai.models.retrieve('gpt-9'), OpenAI.NotFoundError);
});

test('an unknown path is refused in the envelope', async (t) => {
  const { url, post } = await openSandbox(t);
  const headers = { authorization: 'Bearer k' };
  const unknown = await post('/fine_tuning/jobs', {});
  assert.deepEqual(
    [unknown.status, (await errorIn(unknown)).message],
    [404, 'Invalid URL (POST /v1/fine_tuning/jobs)'],
  );
  const method = await fetch(`${url}/responses`, { headers });
  assert.deepEqual([method.status, (await errorIn(method)).code], [405, 'method_not_supported']);
  const malformed = await fetch(`${url}/responses/%ff`, { headers });
  assert.equal(malformed.status, 404);
});

/** Bodies that are nearly right: right names, any value. */
const fieldNames = [
  ...['model', 'input', 'messages', 'instructions', 'metadata', 'stream', 'stream_options', 'text', 'response_format'],
  ...[
    'max_output_tokens',
    'max_tokens',
    'n',
    'tools',
    'temperature',
    'previous_response_id',
    'dimensions',
    '__proto__',
  ],
  ...[
    'encoding_format',
    'service_tier',
    'reasoning',
    'store',
    'user',
    'role',
    'content',
    'type',
    'schema',
    'json_schema',
  ],
];
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('gpt-4o', 'text-embedding-3-small', 'user', 'message', 'input_text', 'json_schema', 'base64', null),
    fc.constantFrom(true, 0, -1, 1e308, '', '\ud800', []),
    fc.jsonValue({ maxDepth: 2 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...fieldNames), tie('value'), { maxKeys: 5 }),
  ),
})).value;
const body = fc.oneof(
  value,
  fc.dictionary(fc.constantFrom(...fieldNames), value).map((fields) => ({ model: 'gpt-4o', input: 'x', ...fields })),
  fc
    .dictionary(fc.constantFrom(...fieldNames), value)
    .map((fields) => ({ model: 'gpt-4o', messages: [{ role: 'user', content: 'x' }], ...fields })),
  fc.dictionary(fc.constantFrom(...fieldNames), value).map((schema) => ({
    model: 'gpt-4o',
    input: 'x',
    text: { format: { type: 'json_schema', name: 'x', schema } },
  })),
);

/** Nearly right tools, and messages that call and answer them. */
const toolFields = [
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call', 'messages', 'input', 'stream'],
];
const tool: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  tool: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom('function', 'custom', 'auto', 'required', 'allowed_tools', 'look', 'call_1', 'object', '{}', null),
    fc.constantFrom('assistant', 'tool', 'user', 'function_call', 'function_call_output', true, 1, '\ud800', [], {}),
    fc.array(tie('tool'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        ...['type', 'name', 'function', 'custom', 'parameters', 'properties', 'required', 'strict', 'mode', 'tools'],
        ...['allowed_tools', 'tool_calls', 'tool_call_id', 'id', 'call_id', 'arguments', 'output', 'role', 'content'],
      ),
      tie('tool'),
      { maxKeys: 6 },
    ),
    fc.constantFrom(
      { type: 'function', name: 'look', function: { name: 'look', parameters: { type: 'object' } } },
      { type: 'custom', name: 'look', custom: { name: 'look' } },
      {
        role: 'assistant',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'x' },
      { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '' },
      { type: 'function_call_output', call_id: 'call_1', output: 'x' },
    ),
  ),
})).tool;
const withTools = fc.dictionary(fc.constantFrom(...toolFields), tool).map((fields) => ({
  model: 'gpt-4o',
  input: 'look',
  messages: [{ role: 'user', content: 'look' }],
  ...fields,
}));

test('no body causes a failure or a hang', async (t) => {
  const { post } = await openSandbox(t);
  const path = fc.constantFrom('/responses', '/chat/completions', '/embeddings');
  await fc.assert(
    fc.asyncProperty(path, fc.oneof(body, withTools), async (endpoint, odd) => {
      const answer = await post(endpoint, JSON.stringify(odd));
      const text = await answer.text();
      assert.ok(answer.status < 500, text);
      if (answer.status === 200) return;
      const { error } = JSON.parse(text);
      assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
    }),
    { numRuns: 600 },
  );
});

const texts: [name: string, text: string][] = [
  ['nothing', ''],
  ['no JSON', '{"model": '],
  ['an array', '[]'],
  ['null', 'null'],
  ['deep arrays', `{"model":"gpt-4o","input":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
  ['deep objects', `{"model":"gpt-4o","input":"x","text":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`],
];

for (const [name, text] of texts) {
  test(`a body of ${name} is a 400`, async (t) => {
    const { post } = await openSandbox(t);
    const answer = await post('/responses', text);
    assert.equal(answer.status, 400);
    assert.equal((await errorIn(answer)).type, 'invalid_request_error');
  });
}
