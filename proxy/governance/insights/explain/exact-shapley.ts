import type { Attribution, ValuesOf } from './attribution.ts';

/** Above that, there are too many coalitions to look at each. */
export const mostExactFeatures = 12;

/**
 * Shapley values by all coalitions.
 *
 * @see Shapley, L. S. (1953). A value for n-person games. https://doi.org/10.1515/9781400881970-018
 */
export async function exactShapley(count: number, valuesOf: ValuesOf): Promise<Attribution> {
  const all = 2 ** count;
  const coalitions = Array.from({ length: all }, (_, bits) =>
    Uint8Array.from({ length: count }, (_, at) => (bits >> at) & 1),
  );
  const values = await valuesOf(coalitions);
  const valueAt = (bits: number) => values[bits] ?? Number.NaN;
  const weights = weightsOf(count);
  const contributions = Array.from({ length: count }, (_, feature) => {
    let sum = 0;
    for (let bits = 0; bits < all; bits += 1) {
      if ((bits >> feature) & 1) continue;
      sum += (weights[sizeOf(bits)] ?? 0) * (valueAt(bits | (1 << feature)) - valueAt(bits));
    }
    return sum;
  });
  return {
    ...{ contributions, errors: contributions.map(() => 0) },
    ...{ base: valueAt(0), output: valueAt(all - 1), evaluations: all },
  };
}

/** How often a coalition of each size comes just before a feature, of all orders: s! (n - s - 1)! / n!. */
function weightsOf(count: number): number[] {
  const weights = [1 / count];
  for (let size = 1; size < count; size += 1) weights.push(((weights[size - 1] ?? 0) * size) / (count - size));
  return weights;
}

function sizeOf(bits: number): number {
  let size = 0;
  for (let left = bits; left !== 0; left &= left - 1) size += 1;
  return size;
}
