import type { Coalition } from './attribution.ts';

/** Coalitions for Kernel SHAP, with their weights, which sum to one. */
export interface WeightedCoalitions {
  /** All of the sizes that count most. */
  readonly enumerated: readonly { readonly coalition: Coalition; readonly weight: number }[];
  /** Drawn from the other sizes, each with its complement. All have the same weight. */
  readonly pairs: readonly (readonly [Coalition, Coalition])[];
  /** Of all drawn ones together. */
  readonly sampledWeight: number;
}

/**
 * Chooses coalitions as the reference implementation does: those of one feature and of all but one count most and come
 * first, and so on inwards, as long as a size fits; what is left of the budget is drawn at random.
 *
 * @param budget how many coalitions there may be
 * @param random from 0 to below 1
 */
export function chooseCoalitions(count: number, budget: number, random: () => number): WeightedCoalitions {
  const sizes = sizeWeights(count);
  const enumerated: { coalition: Coalition; weight: number }[] = [];
  let [left, leftWeight, from] = [budget, 1, 0];
  for (; from < sizes.length; from += 1) {
    const { size, weight, coalitions } = sizes[from] as SizeWeight;
    // A size is enumerated where its share of the budget would draw all of it.
    if ((left * weight) / leftWeight < coalitions * (1 - 1e-8)) break;
    for (const coalition of combinations(count, size)) {
      enumerated.push({ coalition, weight: weight / coalitions });
      if (size * 2 !== count) enumerated.push({ coalition: complementOf(coalition), weight: weight / coalitions });
    }
    left -= coalitions;
    leftWeight -= weight;
  }
  const rest = sizes.slice(from);
  if (rest.length === 0) return { enumerated, pairs: [], sampledWeight: 0 };
  const pairs = Array.from({ length: Math.max(2, Math.floor(left / 2)) }, () => {
    const coalition = drawOfSize(count, drawSize(rest, random), random);
    return [coalition, complementOf(coalition)] as const;
  });
  return { enumerated, pairs, sampledWeight: rest.reduce((sum, { weight }) => sum + weight, 0) };
}

interface SizeWeight {
  readonly size: number;
  /** Of all coalitions of this size and of its complement's. */
  readonly weight: number;
  readonly coalitions: number;
}

/** The Shapley kernel's weight of each size, up to the half: (n - 1) / (s (n - s)). */
function sizeWeights(count: number): SizeWeight[] {
  const sizes = Array.from({ length: Math.floor(count / 2) }, (_, at) => at + 1);
  const raw = sizes.map((size) => ((count - 1) / (size * (count - size))) * (size * 2 === count ? 1 : 2));
  const sum = raw.reduce((total, weight) => total + weight, 0);
  return sizes.map((size, at) => ({
    size,
    weight: (raw[at] ?? 0) / sum,
    coalitions: choose(count, size) * (size * 2 === count ? 1 : 2),
  }));
}

function choose(count: number, size: number): number {
  let result = 1;
  for (let at = 1; at <= size; at += 1) result = (result * (count - size + at)) / at;
  return Math.round(result);
}

function* combinations(count: number, size: number): Generator<Coalition> {
  const chosen = Array.from({ length: size }, (_, at) => at);
  while (true) {
    const coalition = new Uint8Array(count);
    for (const feature of chosen) coalition[feature] = 1;
    yield coalition;
    const moved = chosen.findLastIndex((feature, at) => feature < count - size + at);
    if (moved === -1) return;
    const next = (chosen[moved] ?? 0) + 1;
    for (let at = moved; at < size; at += 1) chosen[at] = next + at - moved;
  }
}

function complementOf(coalition: Coalition): Coalition {
  return coalition.map((isIn) => 1 - isIn);
}

function drawSize(sizes: readonly SizeWeight[], random: () => number): number {
  let ticket = random() * sizes.reduce((sum, { weight }) => sum + weight, 0);
  for (const { size, weight } of sizes) {
    ticket -= weight;
    if (ticket < 0) return size;
  }
  return sizes.at(-1)?.size ?? 1;
}

/** Fisher and Yates, as far as needed. */
function drawOfSize(count: number, size: number, random: () => number): Coalition {
  const features = Array.from({ length: count }, (_, at) => at);
  const coalition = new Uint8Array(count);
  for (let at = 0; at < size; at += 1) {
    const drawn = at + Math.floor(random() * (count - at));
    const feature = features[drawn] ?? 0;
    features[drawn] = features[at] ?? 0;
    coalition[feature] = 1;
  }
  return coalition;
}
