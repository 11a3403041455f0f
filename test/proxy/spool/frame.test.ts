import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type EntryKind, frameEnd, maxFrameBytes, readFrame, writeFrame } from '../../../proxy/spool/frame.ts';

const kinds: readonly EntryKind[] = [
  'intent',
  'settlement',
  'deferral',
  'late settlement',
  'rating',
  'ownership',
  'arrival',
];

const entries = fc.record(
  {
    kind: fc.constantFrom(...kinds),
    id: fc.nat(2 ** 47),
    row: fc.string({ unit: 'grapheme' }),
    sealed: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
);

function frameOf({ kind, id, row, sealed }: typeof entries extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const buffer = Buffer.alloc(maxFrameBytes(row, sealed) + 5);
  const end = writeFrame(buffer, 5, kind, id, row, sealed);
  return buffer.subarray(5, end);
}

test('an entry is read as it was written', () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const frame = frameOf(entry);
      assert.equal(frameEnd(frame, 0), frame.length);
      const { kind, id, row, sealed } = readFrame(frame, 0, frame.length) ?? assert.fail();
      assert.deepEqual({ kind, id, row: String(row), sealed }, entry);
    }),
  );
});

test('a frame that was cut anywhere is recognized as torn', () => {
  const frame = frameOf({ kind: 'settlement', id: 7, row: '{"a":1}', sealed: Buffer.from('said') });
  for (let length = 0; length < frame.length; length += 1) {
    assert.equal(frameEnd(frame.subarray(0, length), 0), undefined, `${length} bytes`);
  }
});

test('a frame that was changed anywhere is refused', () => {
  const frame = frameOf({ kind: 'settlement', id: 7, row: '{"a":1}', sealed: Buffer.from('said') });
  for (let index = 4; index < frame.length; index += 1) {
    const changed = Buffer.from(frame);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.equal(readFrame(changed, 0, changed.length), undefined, `byte ${index}`);
  }
});

test('blocks of zeros, which a power cut may leave, are not frames', () => {
  assert.equal(frameEnd(Buffer.alloc(4_096), 0), undefined);
});
