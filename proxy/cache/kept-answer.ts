/** What a provider said: whole, in the pieces in which it came. */
export interface KeptAnswer {
  readonly contentType: string;
  readonly pieces: readonly Buffer[];
  /** Of all pieces. */
  readonly bytes: number;
}

/** Copies the pieces into one buffer, so that nothing else of what they were cut from stays in memory. */
export function joinPieces(contentType: string, pieces: readonly Buffer[]): KeptAnswer {
  return cut(
    contentType,
    Buffer.concat(pieces),
    pieces.map(({ length }) => length),
  );
}

function cut(contentType: string, whole: Buffer, lengths: readonly number[]): KeptAnswer {
  let start = 0;
  const pieces = lengths.map((length) => {
    const piece = whole.subarray(start, start + length);
    start += length;
    return piece;
  });
  return { contentType, pieces, bytes: whole.length };
}

/** An answer as bytes: a line of JSON about its pieces, then the pieces. */
export function encodeAnswer({ contentType, pieces }: KeptAnswer): Buffer {
  const about = JSON.stringify([contentType, pieces.map(({ length }) => length)]);
  return Buffer.concat([Buffer.from(`${about}\n`), ...pieces]);
}

/** @throws {SyntaxError} where the bytes are no such answer */
export function decodeAnswer(bytes: Buffer): KeptAnswer {
  const end = bytes.indexOf('\n');
  const about: unknown = JSON.parse(bytes.toString('utf8', 0, Math.max(end, 0)));
  const [contentType, lengths]: unknown[] = Array.isArray(about) ? about : [];
  const whole = bytes.subarray(end + 1);
  if (typeof contentType !== 'string' || !isLengths(lengths)) throw new SyntaxError('not a kept answer');
  if (lengths.reduce((sum, length) => sum + length, 0) !== whole.length) throw new SyntaxError('a kept answer is cut');
  return cut(contentType, whole, lengths);
}

function isLengths(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
}
