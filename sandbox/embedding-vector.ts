/** The input of a vector: a text, or its token numbers. */
export type EmbeddingInput = string | readonly number[];

const windowLength = 3;

/**
 * Makes a vector of length 1. Equal inputs have equal vectors, similar inputs have near ones: every window of three
 * characters (or tokens) is hashed to a dimension and a sign, and counted there (feature hashing, Weinberger et al.
 * 2009).
 */
export function embeddingVector(input: EmbeddingInput, dimensions: number): Float32Array {
  const units = typeof input === 'string' ? characterCodes(input.toLowerCase()) : input;
  const padded = [0, ...units, 0];
  const counts = new Float64Array(dimensions);
  for (let start = 0; start + windowLength <= padded.length; start += 1) {
    const hash = hashWindow(padded, start);
    const dimension = (hash >>> 1) % dimensions;
    counts[dimension] = (counts[dimension] ?? 0) + (hash & 1 ? 1 : -1);
  }
  const length = Math.sqrt(counts.reduce((sum, count) => sum + count * count, 0));
  // Counts of both signs may cancel out, and a vector must not be zero.
  if (length === 0) return Float32Array.from(counts, (_, dimension) => (dimension === 0 ? 1 : 0));
  return Float32Array.from(counts, (count) => count / length);
}

function characterCodes(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

/** FNV-1a over the window's units, finished with MurmurHash3's mixer, since FNV alone mixes the low bits badly. */
function hashWindow(units: readonly number[], start: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < start + windowLength; index += 1) {
    hash = Math.imul(hash ^ (units[index] ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
