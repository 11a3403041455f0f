/** How many numbers there are, their sum and mean, and the sum of their squared distances from it. */
export interface Moments {
  count: number;
  /** Exact where the numbers are whole. */
  sum: number;
  mean: number;
  squares: number;
}

export function noMoments(): Moments {
  return { count: 0, sum: 0, mean: 0, squares: 0 };
}

/** Adds a number, without ever holding all of them (Welford 1962). */
export function addTo(moments: Moments, value: number): void {
  moments.count += 1;
  moments.sum += value;
  const distance = value - moments.mean;
  moments.mean += distance / moments.count;
  moments.squares += distance * (value - moments.mean);
}

/** The moments of both together (Chan, Golub and LeVeque 1979). */
export function join(one: Moments, other: Moments): Moments {
  const count = one.count + other.count;
  if (count === 0) return noMoments();
  const distance = other.mean - one.mean;
  return {
    count,
    sum: one.sum + other.sum,
    mean: one.mean + (distance * other.count) / count,
    squares: one.squares + other.squares + (distance * distance * one.count * other.count) / count,
  };
}

/** The average, without what rounding has added up to in the running mean. */
export function averageOf({ sum, count }: Moments): number {
  return sum / count;
}

/** The unbiased estimate; 0 of a single number. */
export function varianceOf({ count, squares }: Moments): number {
  return count > 1 ? squares / (count - 1) : 0;
}
