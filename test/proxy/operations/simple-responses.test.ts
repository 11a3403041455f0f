import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { simpleResponses } from '../../../proxy/operations/simple-responses.ts';
import { responses } from '../../../proxy/providers/openai/responses.ts';
import { chunked, cuts } from '../calls/chunks.ts';

const usage = { input_tokens: 5, output_tokens: 2, total_tokens: 7, output_tokens_details: { reasoning_tokens: 0 } };
const response = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-4o-2024-08-06',
  error: null,
  output: [
    { type: 'reasoning', summary: [] },
    {
      type: 'message',
      content: [
        { type: 'output_text', text: 'Hello' },
        { type: 'output_text', text: 'World' },
      ],
    },
  ],
  usage,
};
const simple = { input_tokens: 5, output_tokens: 2, total_tokens: 7 };

test('a whole response becomes the documented shape', () => {
  const table: readonly (readonly [object, object])[] = [
    [{}, { content: [{ text: 'Hello' }, { text: 'World' }] }],
    [{ output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }] }, { content: [{ text: 'No.' }] }],
    // Whoever reads content[0].text finds it in every answer.
    [{ output: [{ type: 'function_call', name: 'f' }] }, { content: [{ text: '' }] }],
    [
      { output: 'odd', usage: null },
      { content: [{ text: '' }], usage: null },
    ],
    [
      { status: 'failed', output: [], error: { code: 'server_error', message: 'Oh' } },
      { status: 'failed', content: [{ text: '' }], error: { code: 'server_error', message: 'Oh' } },
    ],
  ];
  for (const [answer, shown] of table) {
    const expected = { id: 'resp_1', model: response.model, status: 'completed', usage: simple, ...shown };
    assert.deepEqual(simpleResponses.present?.({ ...response, ...answer }), expected);
  }
});

const events = [
  { type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } },
  { type: 'response.output_item.added', item: { type: 'message' } },
  { type: 'response.output_text.delta', delta: 'Hel\n' },
  { type: 'response.output_text.delta', delta: 'lo' },
  { type: 'response.completed', response },
];
const write = (list: readonly object[]) =>
  Buffer.from(list.map((event, index) => `data: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`).join(''));

function readAll(isSimple: boolean, stream: Buffer, at: readonly number[]) {
  const shown = responses.readStream({ hideUsage: false, keepOutput: true, body: {} });
  const reader = isSimple ? (simpleResponses.presentStream?.(shown) ?? assert.fail()) : shown;
  const passed = chunked(stream, at).map((bytes) => reader.read(bytes) ?? Buffer.alloc(0));
  return { reader, passed: Buffer.concat(passed).toString() };
}

test('a stream becomes deltas and a last line, wherever its chunks break, and is read as without that', () => {
  const stream = write(events);
  const plain = readAll(false, stream, []).reader;
  fc.assert(
    fc.property(cuts, (at) => {
      const { reader, passed } = readAll(true, stream, at);
      const lines = passed
        .trim()
        .split('\n\n')
        .map((line) => JSON.parse(line.replace(/^data: /, '')));
      assert.deepEqual(lines, [
        { content: [{ text: 'Hel\n' }] },
        { content: [{ text: 'lo' }] },
        { id: 'resp_1', model: response.model, status: 'completed', usage: simple },
      ]);
      assert.deepEqual(
        [reader.reading(), reader.hasOutput(), reader.output()],
        [plain.reading(), true, plain.output()],
      );
    }),
  );
});

test('an error within a stream is shown in the envelope', () => {
  const { reader, passed } = readAll(true, write([{ type: 'error', code: 'server_error', message: 'Oh' }]), []);
  assert.deepEqual(JSON.parse(passed.replace(/^data: /, '')), {
    error: { message: 'Oh', type: 'server_error', param: null, code: 'server_error' },
  });
  assert.equal(reader.reading()?.failed, true);
});
