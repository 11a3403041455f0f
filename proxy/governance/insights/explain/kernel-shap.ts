import type { Attribution, Coalition, ValuesOf } from './attribution.ts';
import { invert, multiply } from './cholesky.ts';
import { chooseCoalitions } from './coalitions.ts';

/** The quantile of the normal distribution for 95 %. */
const z95 = 1.959_963_984_540_054;

/** As many coalitions as the reference implementation looks at unless it is told otherwise. */
export function defaultBudget(count: number): number {
  return 2 * count + 2_048;
}

/**
 * Shapley values by Kernel SHAP: a weighted regression over some coalitions, constrained so that the contributions sum to
 * the whole. The errors follow from the residuals of what was drawn, without the assumption that they are alike (a
 * sandwich estimator).
 *
 * @param random from 0 to below 1
 * @see Lundberg, S. M. and Lee, S.-I. (2017). A Unified Approach to Interpreting Model Predictions.
 *   https://arxiv.org/abs/1705.07874
 * @see Covert, I. and Lee, S.-I. (2021). Improving KernelSHAP. https://arxiv.org/abs/2012.01536
 */
export async function kernelShap(
  count: number,
  valuesOf: ValuesOf,
  random: () => number,
  budget: number = defaultBudget(count),
): Promise<Attribution> {
  const { enumerated, pairs, sampledWeight } = chooseCoalitions(count, budget, random);
  const ends = [new Uint8Array(count), new Uint8Array(count).fill(1)];
  const drawn = pairs.flat();
  const values = await valuesOf([...ends, ...enumerated.map(({ coalition }) => coalition), ...drawn]);
  const [base = Number.NaN, output = Number.NaN] = values;
  const gainOf = (at: number) => (values[at + ends.length] ?? Number.NaN) - base;
  const perDrawn = drawn.length === 0 ? 0 : sampledWeight / drawn.length;
  const regression = new Regression(count);
  for (const [at, { coalition, weight }] of enumerated.entries()) regression.add(coalition, gainOf(at), weight);
  for (const [at, coalition] of drawn.entries()) regression.add(coalition, gainOf(enumerated.length + at), perDrawn);
  const solved = regression.solve(output - base);
  const scores = pairs.map((pair, at) =>
    scoreOf(
      pair,
      [0, 1].map((side) => gainOf(enumerated.length + at * 2 + side)),
      solved.contributions,
    ),
  );
  return {
    contributions: solved.contributions,
    errors: scores.length === 0 ? solved.contributions.map(() => 0) : errorsOf(scores, sampledWeight, solved.spread),
    ...{ base, output, evaluations: values.length },
  };
}

/** A weighted regression without an intercept, whose coefficients have a given sum. */
class Regression {
  readonly #products: Float64Array[];
  readonly #sums: Float64Array;

  constructor(count: number) {
    this.#products = Array.from({ length: count }, () => new Float64Array(count));
    this.#sums = new Float64Array(count);
  }

  add(coalition: Coalition, gain: number, weight: number): void {
    const members = [...coalition.keys()].filter((feature) => coalition[feature] === 1);
    for (const feature of members) {
      this.#sums[feature] = (this.#sums[feature] ?? 0) + weight * gain;
      const row = this.#products[feature] as Float64Array;
      for (const other of members) row[other] = (row[other] ?? 0) + weight;
    }
  }

  /** @returns the coefficients, and what turns scores into their deviations */
  solve(total: number): { contributions: number[]; spread: (score: Float64Array) => Float64Array } {
    const inverse = invert(this.#products);
    const toOnes = multiply(
      inverse,
      this.#sums.map(() => 1),
    );
    const ones = sumOf(toOnes);
    /** What is left of a free solution when its sum is held. */
    const constrain = (free: Float64Array, sum: number) => {
      const excess = (sumOf(free) - sum) / ones;
      return free.map((value, at) => value - excess * (toOnes[at] ?? 0));
    };
    return {
      contributions: [...constrain(multiply(inverse, this.#sums), total)],
      spread: (score) => constrain(multiply(inverse, score), 0),
    };
  }
}

/** What a pair says against the coefficients: the mean of its members times their residuals. */
function scoreOf(pair: readonly Coalition[], gains: readonly number[], contributions: readonly number[]): Float64Array {
  const score = new Float64Array(contributions.length);
  for (const [side, coalition] of pair.entries()) {
    const expected = contributions.reduce((sum, value, at) => sum + value * (coalition[at] ?? 0), 0);
    const residual = (gains[side] ?? Number.NaN) - expected;
    for (const [at, isIn] of coalition.entries()) score[at] = (score[at] ?? 0) + (isIn * residual) / pair.length;
  }
  return score;
}

function errorsOf(
  scores: readonly Float64Array[],
  sampledWeight: number,
  spread: (score: Float64Array) => Float64Array,
): number[] {
  const deviations = scores.map((score) => spread(score.map((value) => value * sampledWeight)));
  return Array.from({ length: scores[0]?.length ?? 0 }, (_, feature) => {
    const column = deviations.map((deviation) => deviation[feature] ?? 0);
    const mean = sumOf(column) / column.length;
    const squares = sumOf(column.map((value) => (value - mean) ** 2));
    return z95 * Math.sqrt(squares / (column.length * (column.length - 1)));
  });
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
