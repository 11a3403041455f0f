import fc from 'fast-check';

/** Where a stream is cut, as fractions of its length. */
export const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });

/** The bytes in chunks; none of them empty. */
export function chunked(bytes: Buffer, at: readonly number[]): Buffer[] {
  const offsets = [0, ...at.map((fraction) => Math.floor(fraction * bytes.length)), bytes.length].sort((a, b) => a - b);
  return offsets
    .slice(1)
    .map((end, index) => bytes.subarray(offsets[index], end))
    .filter((chunk) => chunk.length > 0);
}
