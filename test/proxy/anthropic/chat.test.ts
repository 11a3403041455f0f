import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { suiteScope } from '../../scope.ts';
import { placeSchema } from './schema.ts';
import { startVendors, type Vendors } from './vendors.ts';

const model = 'claude-sonnet-4-6';
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'system', content: 'Be brief' },
  { role: 'user', content: 'Hello' },
];
const weather: OpenAI.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const email: OpenAI.ChatCompletionFunctionTool = {
  type: 'function',
  function: { name: 'send_email', description: 'Send an email', parameters: { type: 'object', properties: {} } },
};
const asking = (directives: string) => ({ user: `sandbox:${directives}` });

async function collect<Event>(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** OpenAI's SDK, an Anthropic provider, and Chaperone that carries chat completions between them. */
describe('chat completions at Anthropic', () => {
  const scope = suiteScope();
  let vendors: Vendors;
  before(async () => {
    vendors = await startVendors(scope);
  });
  const create = (params: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) =>
    vendors.openai.chat.completions.create({ model, messages, ...params });

  it('are answered whole, and recorded with what Anthropic bills', async () => {
    const { data, response } = await create(asking('cached=1000,written=200,written-1h=100')).withResponse();
    assert.match(data.choices[0]?.message.content ?? '', /Instructions: Be brief. You said: Hello/);
    assert.deepEqual([data.object, data.model, data.choices[0]?.finish_reason], ['chat.completion', model, 'stop']);
    assert.equal(data.usage?.prompt_tokens_details?.cached_tokens, 1_000);
    const row = await vendors.row(response.headers.get('x-request-id'));
    assert.deepEqual([row.operation, row.provider, row.status], ['chat', 'anthropic', 'completed']);
    assert.equal(row.response_id, data.id);
    assert.deepEqual([row.input_tokens, row.output_tokens], [data.usage?.prompt_tokens, data.usage?.completion_tokens]);
    const output = row.output_tokens ?? 0;
    const uncached = (row.input_tokens ?? 0) - 1_300;
    const dollars = (uncached * 3 + 1_000 * 0.3 + 200 * 3.75 + 100 * 6 + output * 15) / 1_000_000;
    assert.equal(Number(row.cost_usd), Number(dollars.toFixed(12)));
  });

  for (const [what, content] of [
    ['text', 'Hello there, how do you do?'],
    ['calls of tools', 'Email Bob the weather in Paris'],
  ] as const) {
    it(`stream ${what}, and the whole is the same`, async () => {
      const params = { model, messages: [{ role: 'user' as const, content }], tools: [weather, email] };
      const whole = await vendors.openai.chat.completions.create(params);
      const runner = vendors.openai.chat.completions.stream({ ...params, stream_options: { include_usage: true } });
      const streamed = await runner.finalChatCompletion();
      const said = ({ choices }: OpenAI.ChatCompletion) =>
        choices.map(({ message, finish_reason }) => [
          message.content,
          finish_reason,
          message.tool_calls?.map((call) => call.type === 'function' && [call.function.name, call.function.arguments]),
        ]);
      assert.deepEqual(said(streamed), said(whole));
      assert.equal(streamed.usage?.completion_tokens, whole.usage?.completion_tokens);
    });
  }

  it('stream usage only where the client asks for it', async () => {
    const stream = await vendors.openai.chat.completions.create({ model, messages, stream: true });
    const chunks = await collect(stream);
    assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop');
  });

  it('carry parallel calls of tools and their results', async () => {
    const question: OpenAI.ChatCompletionMessageParam = { role: 'user', content: 'Email Bob the weather in Paris' };
    const called = await create({ messages: [question], tools: [weather, email] });
    const { message, finish_reason } = called.choices[0] ?? assert.fail();
    assert.equal(finish_reason, 'tool_calls');
    assert.equal(message.tool_calls?.length, 2);
    const results = (message.tool_calls ?? []).map(
      ({ id }, index): OpenAI.ChatCompletionMessageParam => ({ role: 'tool', tool_call_id: id, content: `r${index}` }),
    );
    const answered = await create({ messages: [question, message, ...results], tools: [weather, email] });
    assert.match(
      answered.choices[0]?.message.content ?? '',
      /get_weather answered: r\d.*send_email answered: r\d|send_email answered: r\d.*get_weather answered: r\d/,
    );
    const { body } = await vendors.sent();
    assert.equal((body.messages as unknown[]).length, 3, 'both results are in one message');
    const single = await create({ messages: [question], tools: [weather, email], parallel_tool_calls: false });
    assert.equal(single.choices[0]?.message.tool_calls?.length, 1);
  });

  it('carry pictures, documents, stop sequences, limits and structured outputs', async () => {
    const data = 'iVBORw0KGgo=';
    await create({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'text', text: '' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${data}` } },
          ],
        },
      ],
      max_completion_tokens: 77,
      stop: 'You',
      temperature: 0.5,
    });
    const { body, headers } = await vendors.sent();
    assert.equal(headers['anthropic-version'], '2023-06-01');
    assert.deepEqual(body, {
      model,
      max_tokens: 77,
      stop_sequences: ['You'],
      temperature: 0.5,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
            { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
            { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data }, title: 'a.pdf' },
          ],
        },
      ],
    });
    const cut = await create({ max_tokens: 3 });
    assert.deepEqual([cut.choices[0]?.finish_reason, cut.usage?.completion_tokens], ['length', 3]);
    const structured = await create({ response_format: { type: 'json_schema', json_schema: placeSchema } });
    assert.equal(typeof JSON.parse(structured.choices[0]?.message.content ?? '').city, 'string');
  });

  it('take a persona as the system text', async () => {
    const { personas } = (await vendors.openai.get('/personas')) as { personas: { id: string }[] };
    const [persona = assert.fail()] = personas;
    await create({ persona_id: persona.id, n: 1 } as object);
    const { body } = await vendors.sent();
    const [{ text } = assert.fail()] = body.system as { text: string }[];
    assert.ok(text !== 'Be brief' && text.length > 20);
  });

  it('report what Anthropic refuses', async () => {
    const refused = await create(asking('refusal'));
    assert.equal(refused.choices[0]?.finish_reason, 'content_filter');
    const overloaded = await create(asking('status=529')).catch((error: unknown) => error);
    assert.ok(overloaded instanceof OpenAI.InternalServerError);
    assert.deepEqual([overloaded.status, overloaded.code], [529, 'overloaded_error']);
    await assert.rejects(create(asking('status=429')), OpenAI.RateLimitError);
    const stream = await vendors.openai.chat.completions.create({
      model,
      messages,
      stream: true,
      ...asking('error-in-stream'),
    });
    await assert.rejects(collect(stream), (error) => error instanceof OpenAI.APIError && error.code === 'api_error');
    const cut = await vendors.openai.chat.completions.create({ model, messages, stream: true, ...asking('cut') });
    await assert.rejects(collect(cut));
  });

  const uncarried: readonly (readonly [string, object])[] = [
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['seed', { seed: 7 }],
    ['temperature', { temperature: 1.5 }],
    ['store', { store: true }],
    ['metadata', { metadata: { a: 'b' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['response_format', { response_format: { type: 'json_object' } }],
    ['tools[0].type', { tools: [{ type: 'custom', custom: { name: 'c' } }] }],
    [
      'messages[0].content[0].type',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    ],
    ['messages[0].name', { messages: [{ role: 'user', name: 'Ada', content: 'Hi' }] }],
    ['a_field_of_tomorrow', { a_field_of_tomorrow: 1 }],
  ];
  for (const [param, params] of uncarried) {
    it(`refuse ${param} by its name, and the provider's`, async () => {
      const error = await create(params as object).catch((caught: unknown) => caught);
      assert.ok(error instanceof OpenAI.BadRequestError, String(error));
      assert.deepEqual([error.param, error.code], [param, 'invalid_request']);
      assert.match(error.message, /the provider anthropic speaks Anthropic’s Messages API/);
    });
  }

  it('are all that a call of OpenAI’s is carried by', async () => {
    await assert.rejects(vendors.openai.responses.create({ model, input: 'Hi' }), /anthropic does not offer this API/);
  });
});
