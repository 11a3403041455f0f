import assert from 'node:assert/strict';
import { test } from 'node:test';
import type OpenAI from 'openai';
import { errorIn, openSandbox } from '../open-sandbox.ts';

type Message = OpenAI.ChatCompletionMessageParam;
type Body = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>;

const weather: OpenAI.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The current weather in a city',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } },
      required: ['city', 'unit'],
      additionalProperties: false,
    },
    strict: true,
  },
};
const email: OpenAI.ChatCompletionFunctionTool = {
  type: 'function',
  function: { name: 'send_email', parameters: { type: 'object', properties: { to: { type: 'string' } } } },
};
const script: OpenAI.ChatCompletionCustomTool = { type: 'custom', custom: { name: 'run_script' } };
const tools = [weather, email, script];
const said = 'What is the weather in Paris, in fahrenheit?';
const question: Message = { role: 'user', content: said };

/** What an answer calls: name, arguments or input. */
function callsOf({ choices }: OpenAI.ChatCompletion, choice = 0) {
  return (choices[choice]?.message.tool_calls ?? []).map((call) =>
    call.type === 'function'
      ? [call.function.name, JSON.parse(call.function.arguments)]
      : [call.custom.name, call.custom.input],
  );
}

const inParis = ['get_weather', { city: 'Paris', unit: 'fahrenheit' }];
const named = (name: string): OpenAI.ChatCompletionNamedToolChoice => ({ type: 'function', function: { name } });
const allowed = (mode: 'auto' | 'required', ...entries: OpenAI.ChatCompletionTool[]) => ({
  type: 'allowed_tools' as const,
  allowed_tools: { mode, tools: entries.map((entry) => ({ ...entry })) },
});

const choices: [name: string, said: string, body: Body, calls: unknown[], finish: string][] = [
  ['auto, and the message asks for one', said, {}, [inParis], 'tool_calls'],
  ['auto, and the message asks for none', 'Hello', {}, [], 'stop'],
  ['none', said, { tool_choice: 'none' }, [], 'stop'],
  ['required, and the message asks for one', said, { tool_choice: 'required' }, [inParis], 'tool_calls'],
  [
    'required, and the message asks for none',
    'Hello',
    { tool_choice: 'required' },
    [['get_weather', { city: 'Hello', unit: 'celsius' }]],
    'tool_calls',
  ],
  ['a named function', said, { tool_choice: named('send_email') }, [['send_email', { to: 'Paris' }]], 'stop'],
  [
    'a named custom tool',
    said,
    { tool_choice: { type: 'custom', custom: { name: 'run_script' } } },
    [['run_script', said]],
    'stop',
  ],
  ['allowed, and asked for', said, { tool_choice: allowed('auto', weather) }, [inParis], 'tool_calls'],
  ['asked for, and not allowed', said, { tool_choice: allowed('auto', email) }, [], 'stop'],
  [
    'one of those allowed is required',
    said,
    { tool_choice: allowed('required', email) },
    [['send_email', { to: 'Paris' }]],
    'tool_calls',
  ],
  [
    'several',
    'Email Bob the weather',
    {},
    [
      ['get_weather', { city: 'Bob', unit: 'celsius' }],
      ['send_email', { to: 'Bob' }],
    ],
    'tool_calls',
  ],
  [
    'several, one at a time',
    'Email Bob the weather',
    { parallel_tool_calls: false },
    [['get_weather', { city: 'Bob', unit: 'celsius' }]],
    'tool_calls',
  ],
];

for (const [name, content, body, calls, finish] of choices) {
  for (const stream of [false, true]) {
    test(`${name}${stream ? ', in a stream' : ''}`, async (t) => {
      const { openai } = await openSandbox(t);
      const request = { model: 'gpt-4o', messages: [{ role: 'user' as const, content }], tools, ...body };
      const options = { stream_options: { include_usage: true } };
      const answer = stream
        ? await openai.chat.completions.stream({ ...request, ...options, stream: true }).finalChatCompletion()
        : await openai.chat.completions.create(request);
      assert.deepEqual(callsOf(answer), calls);
      const [choice] = answer.choices;
      assert.equal(choice?.finish_reason, finish);
      assert.equal(choice?.message.content === null, calls.length > 0);
      for (const { id } of choice?.message.tool_calls ?? []) assert.match(id, /^call_[0-9A-Za-z]{24}$/);
      const billed = calls.length > 0 ? callsAsText(choice?.message.tool_calls) : (choice?.message.content ?? '');
      assert.equal(answer.usage?.completion_tokens, Math.ceil(Buffer.byteLength(billed) / 4));
      assert.equal(answer.usage?.prompt_tokens, Math.ceil(Buffer.byteLength(content) / 4));
    });
  }
}

function callsAsText(calls: OpenAI.ChatCompletionMessageToolCall[] = []): string {
  return calls
    .map((call) =>
      call.type === 'function' ? call.function.name + call.function.arguments : call.custom.name + call.custom.input,
    )
    .join('');
}

/** The chunks of a stream: what their choices carry. */
async function chunksOf(
  answer: Response,
): Promise<{ index: number; delta: Record<string, unknown>; finish_reason: string }[]> {
  const lines = (await answer.text()).split('\n\n').filter((line) => line.startsWith('data: {'));
  return lines.flatMap((line) => JSON.parse(line.slice(6)).choices);
}

test('a stream begins with the call, or with the message where there are several', async (t) => {
  const { post } = await openSandbox(t);
  const ask = async (content: string) =>
    chunksOf(
      await post('/chat/completions', { model: 'gpt-4o', messages: [{ role: 'user', content }], tools, stream: true }),
    );
  const [first, ...pieces] = (await ask(said)).map(({ delta }) => delta as OpenAI.ChatCompletionChunk.Choice.Delta);
  const id = first?.tool_calls?.[0]?.id;
  assert.deepEqual(first, {
    role: 'assistant',
    content: null,
    refusal: null,
    tool_calls: [{ index: 0, id, type: 'function', function: { name: 'get_weather', arguments: '' } }],
  });
  assert.deepEqual(pieces.at(-1), {});
  assert.ok(pieces.length > 5);
  for (const { tool_calls: [call] = [] } of pieces.slice(0, -1)) {
    assert.deepEqual(Object.keys(call ?? {}), ['index', 'function']);
    assert.deepEqual(Object.keys(call?.function ?? {}), ['arguments']);
  }
  const [opening] = await ask('Email Bob the weather');
  assert.deepEqual(opening?.delta, { role: 'assistant', content: null, refusal: null });
});

test('each choice has its own ids and tokens', async (t) => {
  const { openai } = await openSandbox(t);
  const request = { model: 'gpt-4o', messages: [question], tools };
  const one = await openai.chat.completions.create(request);
  const two = await openai.chat.completions.create({ ...request, n: 2 });
  assert.deepEqual([callsOf(two, 0), callsOf(two, 1)], [[inParis], [inParis]]);
  assert.notEqual(two.choices[0]?.message.tool_calls?.[0]?.id, two.choices[1]?.message.tool_calls?.[0]?.id);
  assert.equal(two.usage?.completion_tokens, 2 * (one.usage?.completion_tokens ?? 0));
});

test("an answer repeats the tools' outputs, and makes no further calls unless required", async (t) => {
  const { openai } = await openSandbox(t);
  const messages: Message[] = [
    { role: 'system', content: 'Be brief' },
    { role: 'user', content: 'Email Bob the weather' },
  ];
  const request = { model: 'gpt-4o', tools };
  const called = await openai.chat.completions.create({ ...request, messages });
  const message = called.choices[0]?.message;
  const ids = (message?.tool_calls ?? []).map(({ id }) => id);
  assert.ok(message && ids.length === 2);
  messages.push(message, { role: 'tool', tool_call_id: ids[0] ?? '', content: '21 °C' });
  messages.push({ role: 'tool', tool_call_id: ids[1] ?? '', content: [{ type: 'text', text: 'sent' }] });
  const text =
    '[sandbox gpt-4o] Instructions: Be brief. You said: Email Bob the weather get_weather answered: 21 °C send_email answered: sent';
  const answer = await openai.chat.completions.create({ ...request, messages });
  assert.equal(answer.choices[0]?.message.content, text);
  assert.equal(answer.choices[0]?.finish_reason, 'stop');
  const bytes = Buffer.byteLength(`Be briefEmail Bob the weather21 °Csent${JSON.stringify(message.tool_calls)}`);
  assert.equal(answer.usage?.prompt_tokens, Math.ceil(bytes / 4));

  const again = await openai.chat.completions.create({ ...request, messages, tool_choice: 'required' });
  assert.equal(callsOf(again).length, 2);

  messages.push({ role: 'assistant', content: text }, { role: 'user', content: 'And the weather in Oslo?' });
  assert.deepEqual(callsOf(await openai.chat.completions.create({ ...request, messages })), [
    ['get_weather', { city: 'Oslo', unit: 'celsius' }],
  ]);
});

test('a limit cuts a call in its arguments', async (t) => {
  const { openai } = await openSandbox(t);
  for (const [max_completion_tokens, input] of [
    [5, '{"city":"'],
    [2, null],
  ] as const) {
    const answer: OpenAI.ChatCompletion = await openai.chat.completions.create({
      model: 'gpt-4o',
      messages: [question],
      tools,
      max_completion_tokens,
    });
    const [choice] = answer.choices;
    assert.equal(choice?.finish_reason, 'length');
    const call = choice?.message.tool_calls?.[0];
    assert.equal(call?.type === 'function' ? call.function.arguments : null, input);
    assert.ok((answer.usage?.completion_tokens ?? 9) <= max_completion_tokens);
  }
});

for (const stream of [false, true]) {
  test(`legacy functions${stream ? ', in a stream' : ''}`, async (t) => {
    const { openai } = await openSandbox(t);
    const functions = [weather.function, email.function].map(({ strict, ...definition }) => definition);
    const ask = (messages: Message[], function_call?: OpenAI.ChatCompletionCreateParams['function_call']) => {
      const body = { model: 'gpt-4o', messages, functions, ...(function_call && { function_call }) };
      return stream
        ? openai.chat.completions.stream({ ...body, stream: true }).finalChatCompletion()
        : openai.chat.completions.create(body);
    };
    const [free] = (await ask([question])).choices;
    assert.equal(free?.finish_reason, 'function_call');
    assert.deepEqual(JSON.parse(free.message.function_call?.arguments ?? ''), inParis[1]);
    const [forced] = (await ask([question], { name: 'send_email' })).choices;
    assert.deepEqual([forced?.finish_reason, forced?.message.function_call?.name], ['stop', 'send_email']);
    assert.equal((await ask([question], 'none')).choices[0]?.finish_reason, 'stop');
    const output: Message = { role: 'function', name: 'get_weather', content: '21 °C' };
    const [answer] = (await ask([question, { ...free.message, content: null }, output])).choices;
    assert.match(answer?.message.content ?? '', /get_weather answered: 21 °C$/);
  });
}

const invalid = (param: string, message: RegExp, code: string | null = null) => ({ param, message, code });
const call = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } };
const missing = 'missing_required_parameter';
const refusals: [name: string, body: Record<string, unknown>, expected: ReturnType<typeof invalid>][] = [
  [
    'a choice without tools',
    { tool_choice: 'auto' },
    invalid('tool_choice', /'tool_choice' is only allowed when 'tools' are/),
  ],
  [
    'parallel calls without tools',
    { parallel_tool_calls: true },
    invalid('parallel_tool_calls', /'parallel_tool_calls' is only allowed when 'tools' are/),
  ],
  [
    'a call without functions',
    { function_call: 'auto' },
    invalid('function_call', /only allowed when 'functions' are/),
  ],
  ['no tools', { tools: [] }, invalid('tools', /^Invalid 'tools': empty array\./, 'empty_array')],
  [
    'too many tools',
    { tools: Array(129).fill(weather) },
    invalid('tools', /maximum length 128/, 'array_above_max_length'),
  ],
  [
    'an unknown function',
    { tools, tool_choice: named('fly') },
    invalid('tool_choice', /no function named fly was specified in the 'tools'/),
  ],
  [
    'an unknown function of old',
    { functions: [email.function], function_call: { name: 'fly' } },
    invalid('function_call', /no function named fly was specified in the 'functions'/),
  ],
  [
    'an unknown choice',
    { tools, tool_choice: 'any' },
    invalid('tool_choice', /'none', 'auto', 'required'/, 'invalid_value'),
  ],
  [
    'a choice in the form of the Responses API',
    { tools, tool_choice: { type: 'function', name: 'get_weather' } },
    invalid('tool_choice.function', /^Missing required parameter/, missing),
  ],
  [
    'a tool in the form of the Responses API',
    { tools: [{ type: 'function', name: 'get_weather' }] },
    invalid('tools[0].function', /^Missing required parameter/, missing),
  ],
  [
    'a tool of the provider',
    { tools: [{ type: 'web_search' }] },
    invalid('tools[0].type', /Supported values are/, 'invalid_value'),
  ],
  [
    'a name that is none',
    { tools: [{ type: 'function', function: { name: 'get weather' } }] },
    invalid('tools[0].function.name', /does not match pattern/, 'invalid_value'),
  ],
  [
    'parameters of no type',
    { tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] },
    invalid(
      'tools[0].function.parameters',
      /for function 'f': schema must be .* got 'type: "None"'/,
      'invalid_function_parameters',
    ),
  ],
  [
    'a strict function that is open',
    {
      tools: [
        { type: 'function', function: { name: 'f', strict: true, parameters: { type: 'object', properties: {} } } },
      ],
    },
    invalid(
      'tools[0].function.parameters',
      /In context=\(\), 'additionalProperties' is required/,
      'invalid_function_parameters',
    ),
  ],
  [
    'no one of those allowed',
    { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } },
    invalid('tool_choice.allowed_tools.tools', /empty array/, 'empty_array'),
  ],
  [
    'a call without an output',
    { messages: [question, { role: 'assistant', tool_calls: [call] }, question] },
    invalid('messages.[2].role', /did not have response messages: call_1$/),
  ],
  [
    'an output without a call',
    { messages: [question, { role: 'tool', tool_call_id: 'call_1', content: 'x' }] },
    invalid('messages.[1].role', /must be a response to a preceeding message with 'tool_calls'/),
  ],
  [
    'an output without an id',
    { messages: [question, { role: 'assistant', tool_calls: [call] }, { role: 'tool', content: 'x' }] },
    invalid('messages[2].tool_call_id', /^Missing required parameter/, missing),
  ],
];

for (const [name, body, expected] of refusals) {
  test(`refused: ${name}`, async (t) => {
    const { post } = await openSandbox(t);
    const answer = await post('/chat/completions', { model: 'gpt-4o', messages: [question], ...body });
    const error = await errorIn(answer);
    assert.deepEqual(
      [answer.status, error.type, error.param, error.code],
      [400, 'invalid_request_error', expected.param, expected.code],
    );
    assert.match(error.message, expected.message);
  });
}

test('faults affect tool calls like texts', async (t) => {
  const { openai } = await openSandbox(t);
  const ask = (sandbox: string) =>
    openai.chat.completions.create({ model: 'gpt-4o', messages: [question], tools, metadata: { sandbox } });
  assert.equal((await ask('refusal')).choices[0]?.message.tool_calls, undefined);
  assert.equal((await ask('incomplete')).choices[0]?.finish_reason, 'length');
  assert.equal((await ask('reasoning=5')).usage?.completion_tokens_details?.reasoning_tokens, 5);
});
