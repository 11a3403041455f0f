/** Smaller bodies are a few chunks, put together at the end. */
const smallBytes = 128 * 1024;

/** Puts chunks together as they come. */
export interface GatheredBytes {
  push(chunk: Buffer): void;
  /** All of them. Nothing is added after that. */
  whole(): Buffer;
}

/**
 * Many small pieces that are held for long leave a heap of malloc's in pieces itself, of which nothing goes back to the
 * system: some thousand large bodies left a proxy with 100 MB of it. What is large is put into one buffer that doubles,
 * which malloc maps and unmaps as a whole; a chunk is free as soon as it is copied.
 *
 * @param expectedBytes what is said to come; 0 where nothing is said
 */
export function gatherBytes(expectedBytes: number): GatheredBytes {
  const chunks: Buffer[] = [];
  let length = 0;
  let large: Buffer | undefined;
  const grow = (needed: number): Buffer => {
    const doubled = Math.max(2 * smallBytes, needed, 2 * (large?.length ?? 0));
    const next = Buffer.allocUnsafeSlow(expectedBytes >= needed ? Math.min(doubled, expectedBytes) : doubled);
    if (large) large.copy(next, 0, 0, length);
    else Buffer.concat(chunks.splice(0)).copy(next);
    large = next;
    return next;
  };
  return {
    push(chunk) {
      const needed = length + chunk.length;
      if (needed <= smallBytes) chunks.push(chunk);
      else chunk.copy(large && needed <= large.length ? large : grow(needed), length);
      length = needed;
    },
    whole() {
      if (large) return large.subarray(0, length);
      return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
    },
  };
}
