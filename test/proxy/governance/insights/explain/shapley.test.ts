import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Attribution, Coalition, ValuesOf } from '../../../../../proxy/governance/insights/explain/attribution.ts';
import { invert, multiply } from '../../../../../proxy/governance/insights/explain/cholesky.ts';
import { chooseCoalitions } from '../../../../../proxy/governance/insights/explain/coalitions.ts';
import { exactShapley } from '../../../../../proxy/governance/insights/explain/exact-shapley.ts';
import { kernelShap } from '../../../../../proxy/governance/insights/explain/kernel-shap.ts';

/** A game whose features add, in pairs and in threes: its Shapley values share each part evenly. */
interface Game {
  readonly base: number;
  readonly parts: readonly { readonly members: readonly number[]; readonly value: number }[];
}

const valuesOf =
  ({ base, parts }: Game): ValuesOf =>
  async (coalitions) =>
    coalitions.map((coalition) =>
      parts.reduce((sum, { members, value }) => sum + (members.every((at) => coalition[at]) ? value : 0), base),
    );

const shapleyOf = ({ parts }: Game, count: number) =>
  Array.from({ length: count }, (_, at) =>
    parts.reduce((sum, { members, value }) => sum + (members.includes(at) ? value / members.length : 0), 0),
  );

const number = fc.double({ min: -10, max: 10, noNaN: true });
const games = (count: number, most = 3): fc.Arbitrary<Game> =>
  fc.record({
    base: number,
    parts: fc.array(
      fc.record({
        members: fc.uniqueArray(fc.nat({ max: count - 1 }), { minLength: 1, maxLength: Math.min(most, count) }),
        value: number,
      }),
      { maxLength: 12 },
    ),
  });

function near(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, expected ${expected}`);
}

function isAdditive({ contributions, base, output }: Attribution): void {
  near(
    contributions.reduce((sum, one) => sum + one, base),
    output,
    1e-9,
    'base and contributions',
  );
}

/** The same numbers for the same seed, from 0 to below 1. */
const makeRandom = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** A game of six parts, each of three features or more, which no regression fits. */
function makeGame(count: number, random: () => number): Game {
  const parts = Array.from({ length: 6 }, () => {
    const members = Array.from({ length: count }, (_, at) => at).filter(() => random() < 0.4);
    return { members: members.length < 3 ? [0, 1, 2] : members, value: random() * 20 - 10 };
  });
  return { base: random(), parts };
}

test('exact values are those of the game, and add up', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10 }).chain((count) => fc.tuple(fc.constant(count), games(count))),
      async ([count, game]) => {
        const found = await exactShapley(count, valuesOf(game));
        isAdditive(found);
        assert.equal(found.evaluations, 2 ** count);
        for (const [at, expected] of shapleyOf(game, count).entries()) {
          near(found.contributions[at] ?? Number.NaN, expected, 1e-9, `feature ${at}`);
        }
      },
    ),
  );
});

test('Kernel SHAP over all coalitions is exact', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 9 }).chain((count) => fc.tuple(fc.constant(count), games(count, 9))),
      async ([count, game]) => {
        const found = await kernelShap(count, valuesOf(game), Math.random, 2 ** count);
        isAdditive(found);
        assert.deepEqual([...found.errors], Array(count).fill(0));
        for (const [at, expected] of shapleyOf(game, count).entries()) {
          near(found.contributions[at] ?? Number.NaN, expected, 1e-8, `feature ${at}`);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('estimates add up, and 95 of 100 intervals have the exact value', async () => {
  const count = 14;
  const made = Array.from({ length: 30 }, (_, seed) => makeGame(count, makeRandom(seed)));
  let [within, all] = [0, 0];
  for (const [seed, game] of made.entries()) {
    const found = await kernelShap(count, valuesOf(game), makeRandom(seed), 600);
    isAdditive(found);
    for (const [at, expected] of shapleyOf(game, count).entries()) {
      const error = found.errors[at] ?? Number.NaN;
      if (error < 1e-9) near(found.contributions[at] ?? Number.NaN, expected, 1e-8, 'one without an error');
      else {
        all += 1;
        if (Math.abs((found.contributions[at] ?? Number.NaN) - expected) <= error) within += 1;
      }
    }
  }
  const share = within / all;
  assert.ok(all > 300, `${all} estimates`);
  assert.ok(share > 0.9 && share < 0.99, `${share} of ${all}`);
});

test('the coalitions have the kernel’s weights, and each has its complement', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 100 }), fc.integer({ min: 210, max: 3_000 }), (count, budget) => {
      const { enumerated, pairs, sampledWeight } = chooseCoalitions(count, budget, makeRandom(1));
      const weight = enumerated.reduce((sum, one) => sum + one.weight, sampledWeight);
      near(weight, 1, 1e-9, 'all weights');
      assert.ok(enumerated.length + pairs.length * 2 <= Math.max(budget, 2 ** Math.min(count, 12)));
      const keyOf = (coalition: Coalition) => coalition.join('');
      assert.equal(new Set(enumerated.map(({ coalition }) => keyOf(coalition))).size, enumerated.length, 'each once');
      for (const [one, other] of pairs) assert.ok(one.every((isIn, at) => isIn + (other[at] ?? 0) === 1));
    }),
    { numRuns: 30 },
  );
});

test('an inverse times its matrix is one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer(), (size, seed) => {
      const random = makeRandom(seed);
      const root = Array.from({ length: size }, () => Float64Array.from({ length: size }, () => random() - 0.5));
      const matrix = root.map((_, row) =>
        Float64Array.from(root, (_, column) =>
          root.reduce((sum, line) => sum + (line[row] ?? 0) * (line[column] ?? 0), row === column ? 0.5 : 0),
        ),
      );
      const inverse = invert(matrix);
      for (const [row, line] of inverse.entries()) {
        for (const [column, value] of multiply(matrix, line).entries()) {
          near(value, row === column ? 1 : 0, 1e-9, `${row}, ${column}`);
        }
      }
    }),
  );
});
