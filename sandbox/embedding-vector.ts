/** The input of a vector: a text, or its token numbers. */
export type EmbeddingInput = string | readonly number[];

/** A feature of an input, and how much it says. */
type Feature = readonly [units: readonly number[], weight: number];

const windowLength = 3;

/**
 * Makes a vector of length 1. Equal inputs have equal vectors, and texts that share words or parts of words have near ones.
 * Every feature is hashed to a dimension and a sign, and counted there (feature hashing, Weinberger et al. 2009). The
 * features of a text are its words, their beginnings and all windows of three characters in them, without accents and
 * case; those of tokens are all windows of three. What occurs often counts by the root of how often.
 */
export function embeddingVector(input: EmbeddingInput, dimensions: number): Float32Array {
  const sums = new Float64Array(dimensions);
  const counts = new Map<number, { count: number; weight: number }>();
  for (const [units, weight] of typeof input === 'string' ? featuresOf(input) : windowsOf([0, ...input, 0], 1)) {
    const hash = hashUnits(units);
    const known = counts.get(hash);
    if (known) known.count += 1;
    else counts.set(hash, { count: 1, weight });
  }
  for (const [hash, { count, weight }] of counts) {
    const dimension = (hash >>> 1) % dimensions;
    sums[dimension] = (sums[dimension] ?? 0) + (hash & 1 ? 1 : -1) * weight * Math.sqrt(count);
  }
  const length = Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0));
  // Features of both signs may cancel out, and a vector must not be zero.
  if (length === 0) return Float32Array.from(sums, (_, dimension) => (dimension === 0 ? 1 : 0));
  return Float32Array.from(sums, (value) => value / length);
}

/** Long words say more than short ones, of which most are in every text. */
const weightOfLength = (length: number) => (length <= 3 ? 0.25 : Math.min(1, length / 6));
const stemLength = 5;

function featuresOf(text: string): Feature[] {
  const folded = text
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '');
  const words = folded.match(/[\p{L}\p{N}]+/gu);
  if (!words) return windowsOf([0, ...codesOf(folded), 0], 1);
  return words.flatMap((word) => {
    const codes = codesOf(word);
    const weight = weightOfLength(codes.length);
    return [
      [[1, ...codes], weight],
      ...(codes.length > stemLength ? [[[2, ...codes.slice(0, stemLength)], weight] as const] : []),
      ...windowsOf([0, ...codes, 0], weight * 0.6),
    ];
  });
}

function windowsOf(units: readonly number[], weight: number): Feature[] {
  const count = Math.max(0, units.length - windowLength + 1);
  return Array.from({ length: count }, (_, start) => [units.slice(start, start + windowLength), weight]);
}

function codesOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

/** FNV-1a over a feature's units, finished with MurmurHash3's mixer, since FNV alone mixes the low bits badly. */
function hashUnits(units: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const unit of units) hash = Math.imul(hash ^ unit, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
