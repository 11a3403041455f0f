import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeEventSplitter, type ServerSentEvent } from '../../../proxy/pipeline/sse.ts';
import { chunked, cuts } from './chunks.ts';

function splitAll(chunks: readonly Buffer[]): ServerSentEvent[] {
  const split = makeEventSplitter();
  return chunks.flatMap(split);
}

const line = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, '').toWellFormed());
const event = fc.record({ name: fc.option(line, { nil: '' }), data: fc.array(line, { minLength: 1, maxLength: 3 }) });
const lineEnd = fc.constantFrom('\n', '\r\n', '\r');

test('a stream gives the same events wherever its chunks break and however its lines end', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }), lineEnd, cuts, (events, end, at) => {
      const raws = events.map(({ name, data }) =>
        Buffer.from(
          [`event: ${name}`, ': a comment', 'id: 1', ...data.map((text) => `data: ${text}`), '', ''].join(end),
        ),
      );
      const split = splitAll(chunked(Buffer.concat(raws), at));
      assert.deepEqual(
        split.map(({ name, data, raw }) => ({ name, data, raw: Buffer.from(raw, 'latin1').toString('hex') })),
        events.map(({ name, data }, index) => ({ name, data: data.join('\n'), raw: raws[index]?.toString('hex') })),
      );
    }),
  );
});

test('the bytes of the events are those of the stream', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', ':', ' ', '\n', '\r', 'é'), maxLength: 60 }),
      cuts,
      (text, at) => {
        const bytes = Buffer.from(text);
        const split = splitAll(chunked(bytes, at));
        const joined = Buffer.from(split.map(({ raw }) => raw).join(''), 'latin1');
        assert.deepEqual(joined, bytes.subarray(0, joined.length));
      },
    ),
  );
});

const table: readonly (readonly [string, Pick<ServerSentEvent, 'name' | 'data'>])[] = [
  ['data:x\n\n', { name: '', data: 'x' }],
  ['data:  x\n\n', { name: '', data: ' x' }],
  ['data: a: b\n\n', { name: '', data: 'a: b' }],
  ['event: ping\n\n', { name: 'ping', data: '' }],
  [': only a comment\n\n', { name: '', data: '' }],
  ['retry: 10\ndata: [DONE]\n\n', { name: '', data: '[DONE]' }],
  ['data: a\r\n\n', { name: '', data: 'a' }],
  ['data: a\n\r\n', { name: '', data: 'a' }],
];
for (const [text, expected] of table) {
  test(`reads ${JSON.stringify(text)}`, () => {
    const events = splitAll([Buffer.from(text)]);
    assert.deepEqual(
      events.map(({ name, data }) => ({ name, data })),
      [expected],
    );
  });
}

test('what is not ended yet is no event', () => {
  assert.deepEqual(splitAll([Buffer.from('data: x\n')]), []);
});

test('an event without end is not collected for ever', () => {
  const split = makeEventSplitter();
  const chunk = Buffer.alloc(33 * 1024 * 1024, 'x');
  split(chunk);
  assert.throws(() => split(chunk), RangeError);
});
