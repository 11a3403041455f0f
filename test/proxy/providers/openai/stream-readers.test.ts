import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openai } from '../../../../proxy/providers/openai.ts';
import type { Reading, StreamReader } from '../../../../proxy/providers/reading.ts';
import { chunked, cuts } from '../../calls/chunks.ts';

const usage = { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 };
const response = { id: 'resp_1', status: 'completed', model: 'm', usage: { input_tokens: 11, output_tokens: 3 } };

/** Events as providers send them, those of every operation among each other. */
const data = fc.oneof(
  fc.constantFrom(
    '[DONE]',
    '[DONE] ',
    'no JSON',
    '{"error":{"code":"overloaded"}}',
    `{"choices":[],"usage":${JSON.stringify(usage)}}`,
    '{"choices":[{"index":0,"delta":{"content":"é"},"finish_reason":null}],"usage":null}',
    '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{}}',
    '{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}',
    '{"type":"transcript.text.done","text":"Hi","usage":{"input_tokens":7,"output_tokens":1}}',
    '{"type":"image_generation.completed","b64_json":"QQ==","usage":{"input_tokens":5,"output_tokens":6}}',
    '{"type":"speech.audio.done","usage":{"input_tokens":2,"output_tokens":3}}',
    `{"type":"response.completed","response":${JSON.stringify(response)}}`,
  ),
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify({ type: 'response.output_text.delta', delta: text })),
);
const lineEnd = fc.constantFrom('\n', '\r\n');
const stream = fc
  .tuple(fc.array(data, { maxLength: 8 }), lineEnd, fc.constantFrom(0, 1, 2))
  .map(([events, end, blankLines]) => {
    const text = events.map((event) => `data: ${event}${end}${end}`).join('');
    // The last event may lack its blank line, and its line end.
    return Buffer.from(text.slice(0, text.length - blankLines * end.length));
  });

const streaming = Object.entries(openai.formats).filter(([, { readStream }]) => {
  try {
    return readStream({ hideUsage: false, keepOutput: false, body: {} });
  } catch {
    return false;
  }
});

function readAll(reader: StreamReader, chunks: readonly Buffer[]) {
  const pieces = chunks.map((chunk) => reader.read(chunk));
  const rest = reader.end();
  const passed = Buffer.concat([...pieces, rest].filter((piece) => piece !== undefined)).toString('latin1');
  return { passed, pieces, reading: reader.reading(), partial: reader.partial(), output: reader.output() };
}

test('there are readers', () => assert.ok(streaming.length >= 7, `${streaming.length}`));

for (const [name, format] of streaming) {
  test(`${name} reads and passes the same, wherever the chunks of a stream break`, () => {
    fc.assert(
      fc.property(stream, cuts, fc.boolean(), fc.constantFrom({}, { n: 2 }), (bytes, at, hideUsage, body) => {
        const open = () => format.readStream({ hideUsage, keepOutput: true, body });
        const whole = readAll(open(), [bytes]);
        const cut = readAll(open(), chunked(bytes, at));
        assert.deepEqual({ ...cut, pieces: [] }, { ...whole, pieces: [] });
        if (!hideUsage) assert.equal(cut.passed, bytes.toString('latin1'), 'byte for byte');
        for (const piece of cut.pieces) assert.match(piece?.toString() ?? '\n\n', /\n\r?\n$/, 'in whole events');
        assertStorable(cut.reading ?? cut.partial);
      }),
      { numRuns: 200 },
    );
  });
}

function assertStorable({ usage }: Reading): void {
  for (const value of Object.values(usage)) {
    assert.ok(value === null || typeof value === 'string' || Array.isArray(value) || (value >= 0 && value < 2 ** 53));
  }
}
