import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { chat } from '../../../../proxy/providers/openai/chat.ts';
import { unknownUsage } from '../../../../proxy/providers/usage.ts';
import { chunked, cuts } from '../../calls/chunks.ts';

const usage = {
  prompt_tokens: 20,
  completion_tokens: 7,
  total_tokens: 27,
  prompt_tokens_details: { cached_tokens: 16, cache_write_tokens: 4, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 5 },
};
const readUsage = {
  ...unknownUsage,
  inputTokens: 20,
  cachedInputTokens: 16,
  cacheWriteTokens: 4,
  outputTokens: 7,
  reasoningTokens: 3,
  totalTokens: 27,
  inputAudioTokens: 0,
  outputAudioTokens: 5,
};

/** The stream as the provider sends it where it is asked for usage, and where it is not. */
interface Streams {
  readonly asked: Buffer;
  readonly unasked: Buffer;
}

const lineEnd = fc.constantFrom('\n', '\r\n');
const content = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(',"usage":null', '"usage": null,', '{"usage":null}'),
);
const chunk = fc.record({
  content,
  /** Which of the fields the usage stands before. */
  position: fc.nat(5),
  space: fc.constantFrom('', ' '),
  extension: fc.boolean(),
});

/** Writes a chunk by hand, field by field, as providers put usage in different places. */
function writeChunk(
  choices: unknown,
  usageValue: unknown,
  { position, space, extension }: { position: number; space: string; extension: boolean },
): string {
  const fields: (readonly [string, unknown])[] = [
    ['id', 'chatcmpl-1'],
    ['object', 'chat.completion.chunk'],
    ['model', 'gpt-4o-2024-08-06'],
    ['choices', choices],
    ...(extension ? ([['x_provider', { a: '}', usage: null, ids: [1] }]] as const) : []),
  ];
  if (usageValue !== undefined) fields.splice(position, 0, ['usage', usageValue]);
  return `{${fields.map(([name, value]) => `"${name}":${space}${JSON.stringify(value)}`).join(`,${space}`)}}`;
}

const streams: fc.Arbitrary<Streams> = fc
  .record({ chunks: fc.array(chunk, { minLength: 1, maxLength: 6 }), end: lineEnd, last: chunk, comment: fc.boolean() })
  .map(({ chunks, end, last, comment }) => {
    const events = (withUsage: boolean) => [
      ...(comment ? [': ping'] : []),
      ...chunks.map(
        (part) =>
          `data: ${writeChunk([{ index: 0, delta: { content: part.content }, finish_reason: null, usage: null }], withUsage ? null : undefined, part)}`,
      ),
      ...(withUsage ? [`data: ${writeChunk([], usage, last)}`] : []),
      'data: [DONE]',
    ];
    const write = (lines: readonly string[]) => Buffer.from(lines.map((text) => text + end + end).join(''));
    return { asked: write(events(true)), unasked: write(events(false)) };
  });

function readAll(stream: Buffer, at: readonly number[], options = { hideUsage: true, keepOutput: false }) {
  const reader = chat.readStream({ ...options, body: {} });
  const passed = chunked(stream, at).map((bytes) => reader.read(bytes) ?? Buffer.alloc(0));
  return { reader, passed: Buffer.concat(passed).toString() };
}

describe('a stream whose usage only the proxy asked for', () => {
  test('reaches the client byte for byte as if the proxy had not asked', () => {
    fc.assert(
      fc.property(streams, cuts, ({ asked, unasked }, at) => {
        const { reader, passed } = readAll(asked, at);
        assert.equal(passed, unasked.toString());
        assert.deepEqual(reader.reading()?.usage, readUsage);
      }),
      { numRuns: 500 },
    );
  });

  test('ends only with its last event', () => {
    fc.assert(
      fc.property(streams, cuts, ({ asked }, at) => {
        const cut = asked.subarray(0, asked.indexOf('data: [DONE]'));
        const { reader } = readAll(cut, at);
        assert.equal(reader.reading(), undefined);
        assert.deepEqual(reader.partial().usage, readUsage);
      }),
    );
  });
});

test('a stream whose usage the client asked for passes untouched', () => {
  fc.assert(
    fc.property(streams, cuts, ({ asked }, at) => {
      const { reader, passed } = readAll(asked, at, { hideUsage: false, keepOutput: true });
      assert.equal(passed, asked.toString());
      assert.deepEqual(reader.reading()?.usage, readUsage);
    }),
  );
});

test('a stream’s output is the message that its chunks make', () => {
  const events = [
    { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
    { choices: [{ index: 0, delta: { content: 'Hel' } }] },
    { choices: [{ index: 0, delta: { content: 'lo' } }] },
    {
      choices: [
        { index: 0, delta: { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '{"a"' } }] } },
      ],
    },
    { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] } }] },
    { choices: [{ index: 1, delta: { refusal: 'No.' }, finish_reason: 'stop' }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
  ].map((body) => `data: ${JSON.stringify({ id: 'chatcmpl-1', model: 'gpt-4o', ...body })}\n\n`);
  const { reader } = readAll(Buffer.from(events.join('')), [0.3, 0.6], { hideUsage: false, keepOutput: true });
  assert.equal(reader.hasOutput(), true);
  assert.deepEqual(JSON.parse(reader.output() ?? ''), {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-4o',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'Hello',
          refusal: null,
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        },
        finish_reason: 'tool_calls',
      },
      { index: 1, message: { role: 'assistant', content: '', refusal: 'No.' }, finish_reason: 'stop' },
    ],
  });
});

test('a stream’s output has the calls of custom tools, and legacy function calls', () => {
  const events = [
    {
      index: 0,
      delta: { tool_calls: [{ index: 0, id: 'call_1', type: 'custom', custom: { name: 'run', input: '' } }] },
    },
    { index: 0, delta: { tool_calls: [{ index: 0, custom: { input: 'ls' } }] } },
    { index: 0, delta: { tool_calls: [{ index: 0, custom: { input: ' -l' } }] } },
    { index: 1, delta: { function_call: { name: 'f', arguments: '' } } },
    { index: 1, delta: { function_call: { arguments: '{"a"' } } },
    { index: 1, delta: { function_call: { arguments: ':1}' } } },
  ].map((choice) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`);
  const { reader } = readAll(Buffer.from(events.join('')), [], { hideUsage: false, keepOutput: true });
  const { choices } = JSON.parse(reader.output() ?? '') as { choices: { message: Record<string, unknown> }[] };
  assert.deepEqual(choices[0]?.message.tool_calls, [
    { id: 'call_1', type: 'custom', custom: { name: 'run', input: 'ls -l' } },
  ]);
  assert.deepEqual(choices[1]?.message.function_call, { name: 'f', arguments: '{"a":1}' });
});

test('an error ends a stream, and what was read before is kept', () => {
  const { reader, passed } = readAll(
    Buffer.from(
      'data: {"id":"chatcmpl-1","model":"m","choices":[]}\n\ndata: {"error":{"code":"overloaded"}}\n\ndata: [DONE]\n\n',
    ),
    [],
  );
  const { failed, errorCode, responseId, model } = reader.reading() ?? {};
  assert.deepEqual(
    { failed, errorCode, responseId, model },
    { failed: true, errorCode: 'overloaded', responseId: 'chatcmpl-1', model: 'm' },
  );
  assert.match(passed, /overloaded/);
});

test('Azure’s events about its filters have neither id nor model, and take none away', () => {
  const filters = { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results: [] };
  const late = {
    ...filters,
    choices: [{ index: 0, finish_reason: null, content_filter_offsets: { check_offset: 1 } }],
  };
  const said = (delta: object, finish_reason: string | null) => ({
    id: 'chatcmpl-1',
    model: 'gpt-4o-2024-08-06',
    choices: [{ index: 0, delta, finish_reason, content_filter_results: { hate: { filtered: false } } }],
  });
  const reader = chat.readStream({ hideUsage: false, keepOutput: true, body: {} });
  const send = (event: object) => reader.read(Buffer.from(`data: ${JSON.stringify(event)}\n\n`));
  send(filters);
  assert.deepEqual([reader.hasOutput(), reader.partial().responseId, reader.partial().model], [false, null, null]);
  for (const event of [said({ role: 'assistant', content: '' }, null), said({ content: 'Hi' }, null)]) send(event);
  assert.equal(reader.hasOutput(), true);
  for (const event of [late, said({}, 'stop'), late, { ...filters, usage }]) send(event);
  reader.end();
  const { responseId, model, usage: read } = reader.reading() ?? {};
  assert.deepEqual([responseId, model, read], ['chatcmpl-1', 'gpt-4o-2024-08-06', readUsage]);
  assert.match(reader.output() ?? '', /"content":"Hi"/);
});

test('a whole answer is read', () => {
  const answer = { id: 'chatcmpl-1', model: 'gpt-4o', service_tier: 'default', usage };
  assert.deepEqual(chat.read(answer, {}), {
    failed: false,
    errorCode: null,
    responseId: 'chatcmpl-1',
    model: 'gpt-4o',
    serviceTier: 'default',
    usage: readUsage,
  });
  assert.deepEqual(
    chat.read({ error: { type: 'invalid_request_error', code: null } }, {}).errorCode,
    'invalid_request_error',
  );
});

test('reading an answer of any shape invents nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (answer, counts) => {
      for (const value of [answer, { usage: counts }]) {
        for (const count of Object.values(chat.read(value, {}).usage)) {
          assert.ok(count === null || (Number.isSafeInteger(count) && count >= 0));
        }
      }
    }),
  );
  assert.deepEqual(chat.read(null, {}).usage, unknownUsage);
});

const usageOptions: readonly (readonly [object, boolean])[] = [
  [{}, true],
  [{ stream_options: null }, true],
  [{ stream_options: {} }, true],
  [{ stream_options: { include_usage: false } }, true],
  [{ stream_options: { include_usage: true } }, false],
];
for (const [body, lacks] of usageOptions) {
  test(`${JSON.stringify(body)} ${lacks ? 'needs' : 'does not need'} the usage option`, () => {
    assert.equal(chat.needsUsageOption({ ...body }), lacks);
  });
}
