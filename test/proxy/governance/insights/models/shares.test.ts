import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readClasses } from '../../../../../proxy/governance/insights/models/ask-classes.ts';
import { toShares } from '../../../../../proxy/governance/insights/models/shares.ts';

const weights = fc.array(fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }), { minLength: 1, maxLength: 100 });

test('shares sum to one, are in the order of their weights, and nothing has none', () => {
  fc.assert(
    fc.property(weights, (given) => {
      const shares = toShares(given);
      if (given.every((weight) => weight === 0)) return assert.equal(shares, undefined);
      assert.ok(shares);
      const units = shares.map((share) => share * 10_000);
      assert.equal(
        units.reduce((sum, unit) => sum + Math.round(unit), 0),
        10_000,
      );
      for (const [at, weight] of given.entries()) {
        assert.ok(Math.abs((units[at] ?? 0) - Math.round(units[at] ?? 0)) < 1e-6, 'to four decimals');
        if (weight === 0) assert.equal(shares[at], 0);
        for (const [other, more] of given.entries()) {
          if (more > weight) assert.ok((shares[other] ?? 0) >= (shares[at] ?? 0), `${more} and ${weight}`);
        }
      }
    }),
    // Two that are equal once they are divided by the largest.
    {
      examples: [
        [[5e-324, 1e-323, Number.MAX_VALUE]],
        [[1 - 2 ** -53, 1, 1]],
        [[4.000000000000001, 4.000000000000002, 9]],
      ],
    },
  );
});

const completion = (content: string) => ({ choices: [{ message: { content }, finish_reason: 'stop' }] });
const cases: readonly (readonly [what: string, answer: unknown, expected: readonly number[] | string])[] = [
  ['shares', { c1: 0.82, c2: 0.18 }, [0.82, 0.18]],
  ['per cent', { c1: 82, c2: 18 }, [0.82, 0.18]],
  ['a category that is left out', { c2: 0.5 }, [0, 1]],
  ['nothing for any', { c1: 0, c2: 0 }, 'upstream_invalid_response'],
  ['a category that nobody has asked for', { c1: 0.5, c3: 0.5 }, 'upstream_invalid_response'],
  ['a share below zero', { c1: -1, c2: 2 }, 'upstream_invalid_response'],
  ['a share that is a text', { c1: '1', c2: 0 }, 'upstream_invalid_response'],
  ['a list', [1], 'upstream_invalid_response'],
];
for (const [what, answer, expected] of cases) {
  test(`${what}: ${expected}`, () => {
    const read = readClasses(completion(JSON.stringify(answer)), 2);
    assert.deepEqual(read, typeof expected === 'string' ? { problem: expected } : { shares: expected });
  });
}
