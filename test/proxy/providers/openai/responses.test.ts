import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { responses } from '../../../../proxy/providers/openai/responses.ts';
import { unknownUsage } from '../../../../proxy/providers/usage.ts';
import { chunked, cuts } from '../../calls/chunks.ts';

const response = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-4o-2024-08-06',
  service_tier: 'default',
  error: null,
  usage: {
    input_tokens: 20,
    input_tokens_details: { cached_tokens: 16, cache_write_tokens: 4 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 27,
  },
};
const readUsage = {
  ...unknownUsage,
  inputTokens: 20,
  cachedInputTokens: 16,
  cacheWriteTokens: 4,
  outputTokens: 7,
  reasoningTokens: 3,
  totalTokens: 27,
};
const reading = {
  failed: false,
  errorCode: null,
  responseId: 'resp_1',
  model: 'gpt-4o-2024-08-06',
  serviceTier: 'default',
  usage: readUsage,
};

type Event = readonly [type: string, fields: object];

const created: Event = ['response.created', { response: { ...response, status: 'in_progress', usage: null } }];
const delta: Event = ['response.output_text.delta', { delta: 'Hello "response.completed"' }];

function write(events: readonly Event[], named: boolean): Buffer {
  const text = events.map(([type, fields], index) => {
    const data = JSON.stringify({ type, sequence_number: index, ...fields });
    return `${named ? `event: ${type}\n` : ''}data: ${data}\n\n`;
  });
  return Buffer.from(text.join(''));
}

function readAll(stream: Buffer, at: readonly number[] = []) {
  const reader = responses.readStream({ hideUsage: false, keepOutput: true, body: {} });
  const passed = chunked(stream, at).map((bytes) => reader.read(bytes) ?? Buffer.alloc(0));
  return { reader, passed: Buffer.concat(passed) };
}

test('a stream passes byte for byte and is read, wherever its chunks break', () => {
  const between = fc.array(
    fc.record({
      type: fc.constantFrom('response.in_progress', 'response.future_thing'),
      text: fc.string({ unit: 'grapheme' }),
    }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(between, cuts, fc.boolean(), (others, at, named) => {
      const events: Event[] = [
        created,
        ...others.map(({ type, text }): Event => [type, { text }]),
        delta,
        ['response.completed', { response }],
      ];
      const stream = write(events, named);
      const { reader, passed } = readAll(stream, at);
      assert.deepEqual(passed, stream);
      assert.deepEqual(reader.reading(), reading);
      assert.equal(reader.hasOutput(), true);
      assert.deepEqual(JSON.parse(reader.output() ?? ''), response);
    }),
  );
});

const failedResponse = { ...response, status: 'failed', error: { code: 'server_error', message: 'x' } };
const ends: readonly (readonly [string, Event, object])[] = [
  ['completed', ['response.completed', { response }], reading],
  ['incomplete', ['response.incomplete', { response: { ...response, status: 'incomplete' } }], reading],
  [
    'failed',
    ['response.failed', { response: failedResponse }],
    { ...reading, failed: true, errorCode: 'server_error' },
  ],
  [
    'failed without saying why',
    ['response.failed', { response: { ...response, error: null } }],
    { ...reading, failed: true, errorCode: 'failed' },
  ],
  [
    'an error at the top',
    ['error', { code: 'rate_limit_exceeded', message: 'x' }],
    { ...reading, failed: true, errorCode: 'rate_limit_exceeded', usage: unknownUsage },
  ],
  [
    'an error within',
    ['error', { error: { type: 'overloaded', code: null } }],
    { ...reading, failed: true, errorCode: 'overloaded', usage: unknownUsage },
  ],
];
for (const [what, end, expected] of ends) {
  test(`a stream may end with: ${what}`, () => {
    for (const named of [true, false]) {
      const { reader } = readAll(write([created, delta, end, ['response.completed', { response: {} }]], named));
      assert.deepEqual(reader.reading(), expected);
    }
  });
}

test('a stream that breaks off has no reading, but the fields of its start are kept', () => {
  const { reader } = readAll(write([created, delta], true));
  assert.equal(reader.reading(), undefined);
  assert.deepEqual(reader.partial(), { ...reading, usage: unknownUsage });
  assert.equal(reader.output(), undefined);
});

test('a whole answer is read', () => {
  assert.deepEqual(responses.read(response, {}), reading);
  assert.deepEqual(responses.read(failedResponse, {}), { ...reading, failed: true, errorCode: 'server_error' });
  assert.deepEqual(responses.read({ error: { type: 'invalid_request_error' } }, {}).errorCode, 'invalid_request_error');
  assert.deepEqual(responses.read('nonsense', {}).usage, unknownUsage);
});
