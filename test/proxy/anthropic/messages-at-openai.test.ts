import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { suiteScope } from '../../scope.ts';
import { startVendors, type Vendors } from './vendors.ts';

const model = 'gpt-4o';
const hello: Anthropic.MessageCreateParamsNonStreaming = {
  model,
  max_tokens: 1_000,
  system: [{ type: 'text', text: 'Be brief', cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: 'Hello' }],
};
const weather: Anthropic.Tool = {
  name: 'get_weather',
  description: 'The weather in a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const email: Anthropic.Tool = { name: 'send_email', description: 'Send an email', input_schema: { type: 'object' } };
const asking = (directives: string) => ({ metadata: { user_id: `sandbox:${directives}` } });

/** Anthropic's SDK, an OpenAI provider, and Chaperone that carries messages between them. */
describe('messages at OpenAI', () => {
  const scope = suiteScope();
  let vendors: Vendors;
  before(async () => {
    vendors = await startVendors(scope);
  });
  const create = (params: object = {}) =>
    vendors.anthropic.messages.create({ ...hello, ...params } as Anthropic.MessageCreateParamsNonStreaming);

  it('are answered whole, and recorded with what OpenAI bills', async () => {
    const message = await create(asking('cached=1000,reasoning=5'));
    assert.match(JSON.stringify(message.content), /Instructions: Be brief. You said: Hello/);
    assert.deepEqual([message.type, message.stop_reason], ['message', 'end_turn']);
    assert.equal(message.usage.cache_read_input_tokens, 1_000);
    const row = await vendors.row(message._request_id);
    assert.deepEqual([row.operation, row.provider, row.status], ['messages', 'openai', 'completed']);
    const input = message.usage.input_tokens + 1_000;
    assert.deepEqual([row.input_tokens, row.output_tokens], [input, message.usage.output_tokens]);
    // Dollars per million: 2.50 input, 1.25 cached, 10 output.
    const dollars = (message.usage.input_tokens * 2.5 + 1_000 * 1.25 + message.usage.output_tokens * 10) / 1_000_000;
    assert.equal(Number(row.cost_usd), Number(dollars.toFixed(12)));
  });

  for (const [what, content] of [
    ['text', 'Hello there, how do you do?'],
    ['calls of tools', 'Email Bob the weather in Paris'],
  ] as const) {
    it(`stream ${what}, and the whole is the same`, async () => {
      const params = { ...hello, messages: [{ role: 'user' as const, content }], tools: [weather, email] };
      const whole = await vendors.anthropic.messages.create(params);
      const stream = vendors.anthropic.messages.stream({ ...params, ...asking('cached=10') });
      const streamed = await stream.finalMessage();
      const said = ({ content: blocks, stop_reason }: Anthropic.Message) => [
        stop_reason,
        blocks.map((block) => (block.type === 'tool_use' ? [block.name, block.input] : block)),
      ];
      assert.deepEqual(said(streamed), said(whole));
      assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
      assert.equal(streamed.usage.input_tokens, whole.usage.input_tokens);
      const { response } = await stream.withResponse();
      const row = await vendors.row(response.headers.get('request-id'));
      assert.deepEqual([row.status, row.response_id], ['completed', streamed.id]);
      assert.deepEqual([row.input_tokens, row.cached_input_tokens], [streamed.usage.input_tokens + 10, 10]);
      assert.notEqual(row.cost_usd, null);
    });
  }

  it('carry parallel calls of tools and their results', async () => {
    const question: Anthropic.MessageParam = { role: 'user', content: 'Email Bob the weather in Paris' };
    const tools = [weather, email];
    const called = await create({ messages: [question], tools });
    const uses = called.content.filter((block) => block.type === 'tool_use');
    assert.deepEqual([called.stop_reason, uses.length], ['tool_use', 2]);
    const results = uses.map(
      ({ id }, index): Anthropic.ToolResultBlockParam => ({
        type: 'tool_result',
        tool_use_id: id,
        content: [{ type: 'text', text: `r${index}` }],
        is_error: index === 1,
      }),
    );
    const answered = await create({
      messages: [question, { role: 'assistant', content: called.content }, { role: 'user', content: results }],
      tools,
    });
    assert.match(JSON.stringify(answered.content), /answered: r0/);
    assert.match(JSON.stringify(answered.content), /answered: Error: r1/);
    const tool_choice = { type: 'auto', disable_parallel_tool_use: true };
    const single = await create({ messages: [question], tools, tool_choice });
    assert.equal(single.content.filter((block) => block.type === 'tool_use').length, 1);
    const named = await create({ messages: [question], tools, tool_choice: { type: 'tool', name: 'get_weather' } });
    assert.equal(named.stop_reason, 'tool_use');
  });

  it('carry pictures, documents, stop sequences, limits, efforts and structured outputs', async () => {
    const data = 'iVBORw0KGgo=';
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const structured = await create({
      system: undefined,
      max_tokens: 77,
      stop_sequences: ['@@'],
      thinking: { type: 'adaptive' },
      output_config: { format: { type: 'json_schema', schema } },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
            { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
            { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data } },
          ],
        },
      ],
    });
    const [block = assert.fail()] = structured.content;
    assert.equal(block.type === 'text' && typeof JSON.parse(block.text).city, 'string');
    const { body, headers } = await vendors.sent();
    assert.deepEqual([headers['anthropic-version'], headers['x-api-key']], [undefined, undefined]);
    assert.deepEqual(body, {
      model,
      max_completion_tokens: 77,
      stop: ['@@'],
      response_format: { type: 'json_schema', json_schema: { name: 'output', schema, strict: true } },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${data}` } },
          ],
        },
      ],
    });
    const cut = await create({ max_tokens: 3 });
    assert.deepEqual([cut.stop_reason, cut.usage.output_tokens], ['max_tokens', 3]);
  });

  it('report what OpenAI refuses', async () => {
    const refused = await create(asking('refusal'));
    assert.equal(refused.stop_reason, 'refusal');
    const limited = await create(asking('status=429')).catch((error: unknown) => error);
    assert.ok(limited instanceof Anthropic.RateLimitError);
    assert.deepEqual([limited.type, limited.errorCode], ['rate_limit_error', 'rate_limit_exceeded']);
    const failing = vendors.anthropic.messages.stream({ ...hello, ...asking('error-in-stream') }).finalMessage();
    await assert.rejects(failing, (error) => error instanceof Anthropic.APIError && error.type === 'api_error');
    for (const fault of ['cut', 'no-terminal']) {
      await assert.rejects(vendors.anthropic.messages.stream({ ...hello, ...asking(fault) }).finalMessage(), fault);
    }
  });

  const said = (content: object) => ({ messages: [{ role: 'user', content: [content] }] });
  const uncarried: readonly (readonly [string, object])[] = [
    ['top_k', { top_k: 7 }],
    ['speed', { speed: 'fast' }],
    ['mcp_servers', { mcp_servers: [{ type: 'url', url: 'https://example.com', name: 'x' }] }],
    ['tools[0].type', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['tools[0].defer_loading', { tools: [{ ...weather, defer_loading: true }] }],
    ['context_management.edits[0].type', { context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }],
    [
      'messages[0].content[0].citations',
      said({ type: 'document', citations: { enabled: true }, source: { type: 'text', data: 'x' } }),
    ],
    [
      'messages[0].content[0].source.type',
      said({ type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }),
    ],
    ['messages[0].content[0].type', said({ type: 'search_result', source: 'x', title: 'x', content: [] })],
    ['a_field_of_tomorrow', { a_field_of_tomorrow: 1 }],
  ];
  for (const [param, params] of uncarried) {
    it(`refuse ${param} by its name, and the provider's`, async () => {
      const error = await create(params).catch((caught: unknown) => caught);
      assert.ok(error instanceof Anthropic.BadRequestError, String(error));
      assert.equal((error.details as { param?: string } | null)?.param, param);
      assert.match(error.apiMessage ?? '', /the provider openai speaks OpenAI’s chat completions/);
    });
  }
});
