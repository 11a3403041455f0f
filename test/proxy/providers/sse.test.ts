import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isDone, makeEventSplitter, parseEvent, type ServerSentEvent } from '../../../proxy/providers/sse.ts';
import { chunked, cuts } from '../calls/chunks.ts';

function splitAll(chunks: readonly Buffer[]): (ServerSentEvent & { readonly raw: string })[] {
  const splitter = makeEventSplitter();
  return chunks.flatMap((chunk) => splitter.push(chunk)).map((raw) => ({ ...parseEvent(raw), raw }));
}

/** What a client gets of the stream, in the pieces in which it is set free. */
function freeAll(chunks: readonly Buffer[]): Buffer[] {
  const splitter = makeEventSplitter();
  const pieces = chunks.map((chunk) => {
    splitter.push(chunk);
    return splitter.freed();
  });
  splitter.end();
  return [...pieces, splitter.freed()].filter((piece) => piece !== undefined);
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

test('the bytes of all events together are those of the stream', () => {
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

test('an unfinished event is passed on only at the end of the stream, as one', () => {
  for (const text of ['data: x\n', 'data: x', 'event: a\ndata: x\n']) {
    const splitter = makeEventSplitter();
    assert.deepEqual(splitter.push(Buffer.from(text)), []);
    assert.equal(splitter.freed(), undefined);
    assert.equal(parseEvent(splitter.end() ?? '').data, 'x');
    assert.equal(splitter.freed()?.toString(), text);
    assert.equal(splitter.end(), undefined);
  }
});

test('all bytes are passed on in whole events, wherever the chunks break', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ':', '\n', '\r\n', 'é'), maxLength: 60 });
  fc.assert(
    fc.property(text, cuts, (stream, at) => {
      const bytes = Buffer.from(stream);
      const pieces = freeAll(chunked(bytes, at));
      assert.deepEqual(Buffer.concat(pieces), bytes);
      for (const piece of pieces.slice(0, -1)) assert.match(piece.toString(), /(?:\n\r?\n)$/);
    }),
  );
});

test('a chunk of whole events is passed on as it is', () => {
  const splitter = makeEventSplitter();
  const chunk = Buffer.from('data: a\n\ndata: b\n\n');
  splitter.push(chunk);
  assert.equal(splitter.freed(), chunk);
});

test('a very large event is passed on in pieces, and later events as usual', () => {
  const bytes = Buffer.concat([
    Buffer.from('data: a\n\ndata: '),
    Buffer.alloc(3 * 1024 * 1024, 'x'),
    Buffer.from('\n\ndata: b\n\n'),
  ]);
  const splitter = makeEventSplitter();
  const pieces: Buffer[] = [];
  let wasInside = false;
  let events = 0;
  for (let at = 0; at < bytes.length; at += 65_536) {
    events += splitter.push(bytes.subarray(at, at + 65_536)).length;
    pieces.push(splitter.freed() ?? Buffer.alloc(0));
    wasInside ||= splitter.isInside();
  }
  assert.ok(Buffer.concat(pieces).equals(bytes));
  assert.ok(pieces.filter((piece) => piece.length > 0).length > 10);
  assert.deepEqual([events, wasInside, splitter.isInside()], [3, true, false]);
});

for (const [data, done] of [
  ['[DONE]', true],
  ['[DONE] ', true],
  [' [DONE]\t', true],
  ['[DONE]]', false],
  ['{"a":"[DONE]"}', false],
  ['', false],
] as const) {
  test(`${JSON.stringify(data)} ${done ? 'ends' : 'does not end'} a stream`, () => assert.equal(isDone(data), done));
}

test('an event without end is not gathered for ever', () => {
  const splitter = makeEventSplitter();
  const chunk = Buffer.alloc(33 * 1024 * 1024, 'x');
  splitter.push(chunk);
  assert.throws(() => splitter.push(chunk), RangeError);
});
