import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readVectors } from '../../knowledge/embedding-answer.ts';
import { cosine, packVector, sketchOf, tablesOf, unpackVector } from '../../knowledge/vector.ts';

const vectors = (length: number) =>
  fc
    .array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: length, maxLength: length })
    .map((values) => Float32Array.from(values));

test('a stored vector points where the vector did', () => {
  fc.assert(
    fc.property(vectors(64), vectors(64), (one, other) => {
      const exact = cosine(one, other);
      const stored = cosine(unpackVector(packVector(one)), unpackVector(packVector(other)));
      assert.ok(Math.abs(exact - stored) < 0.05, `${exact} ${stored}`);
    }),
    { numRuns: 50 },
  );
});

test('tables add what the signs of a vector say of a question', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }).chain((length) => fc.tuple(vectors(length), vectors(length))),
      ([question, vector]) => {
        const expected = question.reduce((sum, value, index) => sum + ((vector[index] ?? 0) > 0 ? value : -value), 0);
        const tables = tablesOf(question);
        const sketch = sketchOf(vector);
        const got = sketch.reduce((sum, value, byte) => sum + (tables[byte * 256 + value] ?? 0), 0);
        assert.ok(Math.abs(got - expected) < 1e-4, `${got} ${expected}`);
      },
    ),
    { numRuns: 50 },
  );
});

test('vectors of different lengths are not alike, and a vector of nothing is like no other', () => {
  assert.equal(cosine(Float32Array.of(1, 0), Float32Array.of(1)), 0);
  assert.equal(cosine(Float32Array.of(0, 0), Float32Array.of(1, 0)), 0);
  assert.deepEqual([...unpackVector(packVector(Float32Array.of(0, 0)))], [0, 0]);
});

const base64 = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer).toString('base64');
const answers: readonly (readonly [title: string, data: unknown, expected: number[][] | undefined])[] = [
  [
    'numbers',
    [{ embedding: [1, 2] }, { embedding: [3, 4] }],
    [
      [1, 2],
      [3, 4],
    ],
  ],
  [
    'base64',
    [{ embedding: base64(1, 2) }, { embedding: base64(3, 4) }],
    [
      [1, 2],
      [3, 4],
    ],
  ],
  [
    'another order',
    [
      { index: 1, embedding: [3, 4] },
      { index: 0, embedding: [1, 2] },
    ],
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['too few', [{ embedding: [1, 2] }], undefined],
  [
    'one twice',
    [
      { index: 0, embedding: [1] },
      { index: 0, embedding: [2] },
    ],
    undefined,
  ],
  [
    'a place that does not exist',
    [
      { index: 5, embedding: [1] },
      { index: 0, embedding: [2] },
    ],
    undefined,
  ],
  ['different lengths', [{ embedding: [1, 2] }, { embedding: [3] }], undefined],
  ['no numbers', [{ embedding: ['a'] }, { embedding: [3] }], undefined],
  ['infinite numbers', [{ embedding: base64(Number.POSITIVE_INFINITY) }, { embedding: [3] }], undefined],
  ['half a number', [{ embedding: 'AAAA' }, { embedding: [3] }], undefined],
  ['empty vectors', [{ embedding: [] }, { embedding: [] }], undefined],
  ['nothing', undefined, undefined],
  ['null', [null, null], undefined],
];
for (const [title, data, expected] of answers) {
  test(`an answer with ${title} has ${expected ? 'its vectors' : 'no vectors'}`, () => {
    assert.deepEqual(
      readVectors({ data }, 2)?.map((vector) => [...vector]),
      expected,
    );
  });
}
