import assert from 'node:assert/strict';
import { test } from 'node:test';
import type OpenAI from 'openai';
import { until } from '../../until.ts';
import { errorIn, openSandbox } from '../open-sandbox.ts';

type Body = Pick<OpenAI.Responses.ResponseCreateParamsNonStreaming, 'tools' | 'tool_choice' | 'parallel_tool_calls'>;

const weather: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'get_weather',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};
const email: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'send_email',
  parameters: { type: 'object', properties: { to: { type: 'string' } } },
  strict: false,
};
const script: OpenAI.Responses.CustomTool = { type: 'custom', name: 'run_script' };
const search: OpenAI.Responses.WebSearchTool = { type: 'web_search' };
const tools = [weather, email, script, search];
const said = 'What is the weather in Paris?';
const inParis = ['get_weather', { city: 'Paris' }];

/** What a response calls: name, arguments or input. */
function callsOf({ output }: OpenAI.Responses.Response): unknown[] {
  return output.flatMap((item) => {
    if (item.type === 'function_call') return [[item.name, JSON.parse(item.arguments)]];
    return item.type === 'custom_tool_call' ? [[item.name, item.input]] : [];
  });
}

function functionCall({ output }: OpenAI.Responses.Response): OpenAI.Responses.ResponseFunctionToolCall {
  const call = output.find((item) => item.type === 'function_call');
  assert.ok(call);
  return call;
}

const outputOf = (callId: string, output = '21 °C') =>
  ({ type: 'function_call_output', call_id: callId, output }) as const;

const choices: [name: string, input: string, body: Body, calls: unknown[]][] = [
  ['auto, and the message asks for one', said, {}, [inParis]],
  ['auto, and the message asks for none', 'Hello', {}, []],
  ['none', said, { tool_choice: 'none' }, []],
  ['none, without tools', said, { tool_choice: 'none', tools: [] }, []],
  [
    'required, and the message asks for none',
    'Hello',
    { tool_choice: 'required' },
    [['get_weather', { city: 'Hello' }]],
  ],
  [
    'a named function',
    said,
    { tool_choice: { type: 'function', name: 'send_email' } },
    [['send_email', { to: 'Paris' }]],
  ],
  ['a named custom tool', said, { tool_choice: { type: 'custom', name: 'run_script' } }, [['run_script', said]]],
  [
    'allowed, and asked for',
    said,
    { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'get_weather' }] } },
    [inParis],
  ],
  [
    'asked for, and not allowed',
    said,
    { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'web_search' }] } },
    [],
  ],
  [
    'one of those allowed is required',
    said,
    { tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'custom', name: 'run_script' }] } },
    [['run_script', said]],
  ],
  [
    "a tool of the provider's",
    said,
    { tool_choice: { type: 'web_search_preview' }, tools: [{ type: 'web_search' }] },
    [],
  ],
  [
    'several',
    'Email Bob the weather',
    {},
    [
      ['get_weather', { city: 'Bob' }],
      ['send_email', { to: 'Bob' }],
    ],
  ],
  [
    'several, one at a time',
    'Email Bob the weather',
    { parallel_tool_calls: false },
    [['get_weather', { city: 'Bob' }]],
  ],
];

for (const [name, input, body, calls] of choices) {
  for (const way of ['whole', 'in a stream', 'in the background'] as const) {
    test(`${name}, ${way}`, async (t) => {
      const { openai } = await openSandbox(t);
      const request = { model: 'gpt-4o', input, tools, ...body };
      const response = await (async () => {
        if (way === 'in a stream') return openai.responses.stream(request).finalResponse();
        const { id } = await openai.responses.create({ ...request, background: way === 'in the background' });
        return until(async () => {
          const stored = await openai.responses.retrieve(id);
          return stored.status === 'completed' && stored;
        });
      })();
      assert.deepEqual(callsOf(response), calls);
      assert.equal(response.output_text === '', calls.length > 0);
      const text = response.output
        .map((item) => {
          if (item.type === 'function_call') return item.name + item.arguments;
          return item.type === 'custom_tool_call' ? item.name + item.input : response.output_text;
        })
        .join('');
      assert.equal(response.usage?.output_tokens, Math.ceil(Buffer.byteLength(text) / 4));
      assert.equal(response.usage?.input_tokens, Math.ceil(input.length / 4));
    });
  }
}

test('a stream has the events of each call, and can be replayed', async (t) => {
  const { openai, post } = await openSandbox(t);
  const input = 'Email Bob the weather, run script';
  const body = { model: 'o4-mini', input, tools, stream: true, metadata: { sandbox: 'reasoning=3' } };
  const read = (text: string) =>
    text
      .split('\n\n')
      .slice(0, -1)
      .map((block) => JSON.parse(/^event: .*\ndata: (.*)$/.exec(block)?.[1] ?? ''));
  const events = read(await (await post('/responses', body)).text());
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, index) => index),
  );
  const order = events.map((event) => event.type).filter((type, index, all) => type !== all[index - 1]);
  const functionEvents = [
    'response.output_item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
  ];
  assert.deepEqual(order, [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.output_item.done',
    ...functionEvents,
    ...functionEvents,
    'response.output_item.added',
    'response.custom_tool_call_input.delta',
    'response.custom_tool_call_input.done',
    'response.output_item.done',
    'response.completed',
  ]);
  const { response } = events.at(-1);
  assert.deepEqual(response.output.map((item: { type: string }) => item.type).sort(), [
    'custom_tool_call',
    'function_call',
    'function_call',
    'reasoning',
  ]);
  for (const [index, item] of response.output.entries()) {
    const about = events.filter((event) => event.output_index === index);
    const whole = item.arguments ?? item.input;
    if (item.type === 'reasoning') continue;
    assert.match(item.id, item.type === 'function_call' ? /^fc_[0-9a-f]{48}$/ : /^ctc_[0-9a-f]{48}$/);
    assert.match(item.call_id, /^call_[0-9A-Za-z]{24}$/);
    const field = item.type === 'function_call' ? 'arguments' : 'input';
    assert.deepEqual(about[0].item, { ...item, status: 'in_progress', [field]: '' });
    const deltas = about.filter((event) => event.type.endsWith('.delta'));
    assert.equal(deltas.map((event) => event.delta).join(''), whole);
    assert.ok(deltas.every((event) => event.item_id === item.id));
    assert.equal(about.find((event) => /(arguments|input)\.done$/.test(event.type))[field], whole);
    assert.deepEqual(about.at(-1).item, item);
  }
  const again: string[] = [];
  for await (const event of await openai.responses.retrieve(response.id, { stream: true })) again.push(event.type);
  assert.deepEqual(
    again,
    events.map((event) => event.type),
  );
});

test('outputs are answered: as items, after a response, in a conversation', async (t) => {
  const { openai } = await openSandbox(t);
  const answered =
    /^\[sandbox gpt-4o\] Instructions: none\. You said: What is the weather in Paris\? get_weather answered: 21 °C$/;
  const question = { role: 'user', content: said } as const;
  const request = { model: 'gpt-4o', tools };

  const first = await openai.responses.create({ ...request, input: [question] });
  const call = functionCall(first);
  const asItems = await openai.responses.create({
    ...request,
    input: [question, ...first.output, outputOf(call.call_id)] as OpenAI.Responses.ResponseInput,
  });
  assert.match(asItems.output_text, answered);
  const bytes = Buffer.byteLength(`${said}21 °C${JSON.stringify(call)}`);
  assert.equal(asItems.usage?.input_tokens, Math.ceil(bytes / 4));

  const chained = { ...request, previous_response_id: first.id, input: [outputOf(call.call_id)] };
  const afterIt = await openai.responses.create(chained);
  assert.match(afterIt.output_text, answered);
  assert.equal(afterIt.usage?.input_tokens, asItems.usage?.input_tokens);
  assert.equal(callsOf(await openai.responses.create({ ...chained, tool_choice: 'required' })).length, 1);

  const conversation = (await openai.conversations.create()).id;
  const begun = await openai.responses.create({ ...request, conversation, input: said });
  const inIt = { ...request, conversation, input: [outputOf(functionCall(begun).call_id)] };
  assert.match((await openai.responses.create(inIt)).output_text, answered);
});

test('a custom tool is called with text, and answers with parts', async (t) => {
  const { openai } = await openSandbox(t);
  const request = { model: 'gpt-4o', tools: [script], tool_choice: 'auto' as const };
  const { output } = await openai.responses.create({ ...request, input: 'Run the script' });
  const [call] = output;
  assert.ok(call?.type === 'custom_tool_call');
  assert.equal(call.input, 'Run the script');
  const answer = await openai.responses.create({
    ...request,
    input: [
      { role: 'user', content: 'Run the script' },
      call,
      { type: 'custom_tool_call_output', call_id: call.call_id, output: [{ type: 'input_text', text: 'done' }] },
    ],
  });
  assert.match(answer.output_text, /run_script answered: done$/);
});

test('a limit cuts a call in its arguments', async (t) => {
  const { openai } = await openSandbox(t);
  const input = `What is the weather in "${'a very long name '.repeat(10)}"?`;
  const response = await openai.responses.create({ model: 'gpt-4o', input, tools, max_output_tokens: 16 });
  const call = functionCall(response);
  assert.deepEqual([response.status, call.status, response.usage?.output_tokens], ['incomplete', 'incomplete', 16]);
  assert.throws(() => JSON.parse(call.arguments), SyntaxError);
});

test('tools are echoed as they were sent, strict by default', async (t) => {
  const { post } = await openSandbox(t);
  const { strict, ...open } = weather;
  const body = { model: 'gpt-4o', input: 'Hello', tools: [open, email, search] };
  const response = JSON.parse(await (await post('/responses', body)).text());
  assert.deepEqual(response.tools, [weather, email, search]);
});

const chatTool = { type: 'function', function: { name: 'get_weather' } };
const refusals: [name: string, body: Record<string, unknown>, param: string, message: RegExp, code: string | null][] = [
  [
    'required without tools',
    { tool_choice: 'required', tools: [] },
    'tool_choice',
    /'required' must be specified with 'tools'/,
    null,
  ],
  [
    'an unknown function',
    { tool_choice: { type: 'function', name: 'fly' } },
    'tool_choice',
    /^Tool choice 'function' not found in 'tools' parameter\.$/,
    null,
  ],
  [
    'a tool of the provider that was not given',
    { tool_choice: { type: 'file_search' } },
    'tool_choice',
    /^Tool choice 'file_search' not found in 'tools' parameter\.$/,
    null,
  ],
  [
    'an unknown function among those allowed',
    { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'fly' }] } },
    'tool_choice',
    /^Tool choice 'fly' not found in 'tools' parameter\.$/,
    null,
  ],
  ['an unknown choice', { tool_choice: 'any' }, 'tool_choice', /Supported values are/, 'invalid_value'],
  [
    'a choice of no type',
    { tool_choice: { name: 'get_weather' } },
    'tool_choice.type',
    /^Missing/,
    'missing_required_parameter',
  ],
  ['a choice that is a number', { tool_choice: 1 }, 'tool_choice', /^Invalid type/, 'invalid_type'],
  [
    'a tool in the form of chats',
    { tools: [chatTool] },
    'tools[0].name',
    /^Missing required/,
    'missing_required_parameter',
  ],
  ['a tool of no type', { tools: [{ name: 'x' }] }, 'tools[0].type', /^Missing required/, 'missing_required_parameter'],
  [
    'a strict function with an optional argument',
    { tools: [{ ...weather, parameters: { ...weather.parameters, required: [] } }] },
    'tools[0].parameters',
    /In context=\(\), 'required' is required to be supplied .* Missing 'city'\.$/,
    'invalid_function_parameters',
  ],
  [
    'a list of no items',
    { tools: [{ ...email, parameters: { type: 'object', properties: { to: { type: 'array' } } } }] },
    'tools[0].parameters',
    /In context=\('properties', 'to'\), array schema missing items\.$/,
    'invalid_function_parameters',
  ],
  [
    'an output without a call',
    { input: [outputOf('call_9')] },
    'input',
    /^No tool call found .* call_id call_9\.$/,
    null,
  ],
  [
    'a call without an output',
    { input: [{ type: 'function_call', call_id: 'call_9', name: 'x', arguments: '{}' }] },
    'input',
    /^No tool output found for function call call_9\.$/,
    null,
  ],
  [
    'an output without an id',
    { input: [{ type: 'function_call_output', output: 'x' }] },
    'input[0].call_id',
    /^Missing/,
    'missing_required_parameter',
  ],
];

for (const [name, body, param, message, code] of refusals) {
  test(`refused: ${name}`, async (t) => {
    const { post } = await openSandbox(t);
    const answer = await post('/responses', { model: 'gpt-4o', input: said, tools, ...body });
    const error = await errorIn(answer);
    assert.deepEqual([answer.status, error.type, error.param, error.code], [400, 'invalid_request_error', param, code]);
    assert.match(error.message, message);
  });
}

test('an unanswered call is an error, also one of an earlier response', async (t) => {
  const { openai, post } = await openSandbox(t);
  const first = await openai.responses.create({ model: 'gpt-4o', input: said, tools });
  const answer = await post('/responses', { model: 'gpt-4o', input: 'Hello?', previous_response_id: first.id });
  assert.match((await errorIn(answer)).message, new RegExp(`function call ${functionCall(first).call_id}\\.$`));
});
