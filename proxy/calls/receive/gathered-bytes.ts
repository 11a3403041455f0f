/** Smaller bodies are kept as chunks and joined at the end. */
const smallBytes = 128 * 1024;

/** Joins chunks as they arrive. */
export interface GatheredBytes {
  push(chunk: Buffer): void;
  /** The joined bytes. Push nothing afterwards. */
  whole(): Buffer;
}

/**
 * Many small pieces that live long fragment malloc's heap, and nothing returns to the system: some thousand large
 * bodies left a proxy with 100 MB of it. So a large body goes into one buffer that doubles, which malloc maps and
 * unmaps as a whole. A chunk is free as soon as it is copied.
 *
 * @param expectedBytes the announced length; 0 where there is none
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
