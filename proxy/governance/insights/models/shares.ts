/** Shares are told to so many decimals. */
const decimals = 4;
const whole = 10 ** decimals;

/**
 * Makes numbers into shares that sum to one, also after rounding: what rounding down leaves goes to those that lose most
 * by it (the method of the largest remainder). What has nothing gets nothing.
 *
 * @param weights finite, none below 0
 * @returns undefined where their sum is 0
 */
export function toShares(weights: readonly number[]): number[] | undefined {
  const largest = Math.max(0, ...weights);
  if (largest === 0) return undefined;
  // By the largest first, so that no sum is too large or too small for a number.
  const scaled = weights.map((weight) => weight / largest);
  const sum = scaled.reduce((total, weight) => total + weight, 0);
  const exact = scaled.map((weight) => (weight / sum) * whole);
  const units = exact.map(Math.floor);
  const left = whole - units.reduce((total, unit) => total + unit, 0);
  // Weights that differ may be equal once they are scaled.
  const byLoss = weights
    .map((weight, at) => ({ at, weight, loss: (exact[at] ?? 0) - (units[at] ?? 0) }))
    .sort((one, other) => other.loss - one.loss || other.weight - one.weight);
  for (const { at } of byLoss.slice(0, left)) units[at] = (units[at] ?? 0) + 1;
  return units.map((unit) => unit / whole);
}
