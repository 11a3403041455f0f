import { fisherTwoSided, normalQuantile, normalTwoSided, studentQuantile, studentTwoSided } from './distributions.ts';
import { averageOf, type Moments, varianceOf } from './moments.ts';

/** From, to. */
export type Interval = readonly [number, number];

/** Wilson's interval of a share (1927): it is right near 0 and 1, too. */
export function wilsonInterval(moments: Moments, alpha: number): Interval {
  const { count } = moments;
  const mean = averageOf(moments);
  const z = normalQuantile(alpha);
  const squared = (z * z) / count;
  const centre = (mean + squared / 2) / (1 + squared);
  const half = (z / (1 + squared)) * Math.sqrt((mean * (1 - mean)) / count + squared / (4 * count));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** Student's interval of a mean. Undefined: a single number says nothing of its spread. */
export function meanInterval(moments: Moments, alpha: number): Interval | undefined {
  const { count } = moments;
  const mean = averageOf(moments);
  if (count < 2) return undefined;
  const half = studentQuantile(alpha, count - 1) * Math.sqrt(varianceOf(moments) / count);
  return [mean - half, mean + half];
}

/** How a group was compared with all others. */
export interface Comparison {
  readonly method: 'z-test' | 'fisher' | 'welch';
  /** That chance alone makes such a difference. */
  readonly p: number;
}

/** Below so many expected cases, the normal distribution is no approximation (Cochran 1954). */
const fewExpected = 5;

/** Compares two shares. Undefined where one has no observation. */
export function compareShares(one: Moments, other: Moments): Comparison | undefined {
  if (one.count === 0 || other.count === 0) return undefined;
  const of = one.count + other.count;
  const share = (one.sum + other.sum) / of;
  const least = Math.min(one.count, other.count) * Math.min(share, 1 - share);
  if (least < fewExpected) {
    const p = fisherTwoSided({ having: one.sum, of: one.count }, { having: other.sum, of: other.count });
    return { method: 'fisher', p };
  }
  const error = Math.sqrt(share * (1 - share) * (1 / one.count + 1 / other.count));
  return { method: 'z-test', p: normalTwoSided((averageOf(one) - averageOf(other)) / error) };
}

/** Compares two means whose spreads may differ (Welch 1947). Undefined where one has fewer than two observations. */
export function compareMeans(one: Moments, other: Moments): Comparison | undefined {
  if (one.count < 2 || other.count < 2) return undefined;
  const [a, b] = [varianceOf(one) / one.count, varianceOf(other) / other.count];
  const distance = averageOf(one) - averageOf(other);
  if (a + b === 0) return { method: 'welch', p: distance === 0 ? 1 : 0 };
  const degrees = (a + b) ** 2 / (a ** 2 / (one.count - 1) + b ** 2 / (other.count - 1));
  return { method: 'welch', p: studentTwoSided(distance / Math.sqrt(a + b), degrees) };
}

/** Corrects for many comparisons (Holm 1979), so that all of them together are rarely wrong. In the order given. */
export function correctForMany(probabilities: readonly number[]): number[] {
  const order = probabilities.map((p, at) => ({ p, at })).toSorted((one, other) => one.p - other.p);
  const corrected = Array<number>(probabilities.length).fill(1);
  let least = 0;
  for (const [rank, { p, at }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (order.length - rank)));
    corrected[at] = least;
  }
  return corrected;
}
