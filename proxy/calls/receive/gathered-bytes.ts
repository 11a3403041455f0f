/** Smaller bodies are kept as chunks and joined at the end. */
const smallBytes = 128 * 1024;

/** Joins chunks as they arrive. */
export interface GatheredBytes {
  push(chunk: Buffer): void;
  /** The joined bytes. Push nothing afterwards. */
  whole(): Buffer;
  /** Nobody will need the bytes. Push nothing afterwards. */
  drop(): void;
}

/**
 * Many small pieces that live long fragment malloc's heap, and nothing returns to the system: some thousand large
 * bodies left a proxy with 100 MB of it. So a large body goes into one buffer that doubles, which malloc maps and
 * unmaps as a whole. A chunk is free as soon as it is copied, and a buffer that was too small at once: left to the
 * garbage collector, those of a body would take as much as the body itself.
 *
 * @param expectedBytes the announced length; 0 where there is none
 */
export function gatherBytes(expectedBytes: number): GatheredBytes {
  return new Gathering(expectedBytes);
}

class Gathering implements GatheredBytes {
  readonly #expectedBytes: number;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #large: Buffer | undefined;

  constructor(expectedBytes: number) {
    this.#expectedBytes = expectedBytes;
  }

  push(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed <= smallBytes) this.#chunks.push(chunk);
    else chunk.copy(this.#roomFor(needed), this.#length);
    this.#length = needed;
  }

  whole(): Buffer {
    if (this.#large) return this.#large.subarray(0, this.#length);
    const [only] = this.#chunks;
    return this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
  }

  drop(): void {
    if (this.#large) free(this.#large);
    this.#large = undefined;
    this.#chunks.length = 0;
  }

  /** The buffer for large bodies, with room for so many bytes in all. */
  #roomFor(needed: number): Buffer {
    const large = this.#large;
    if (large && needed <= large.length) return large;
    const doubled = Math.max(2 * smallBytes, needed, 2 * (large?.length ?? 0));
    const size = this.#expectedBytes >= needed ? Math.min(doubled, this.#expectedBytes) : doubled;
    const next = Buffer.allocUnsafeSlow(size);
    if (large) {
      large.copy(next, 0, 0, this.#length);
      free(large);
    } else Buffer.concat(this.#chunks.splice(0)).copy(next);
    this.#large = next;
    return next;
  }
}

/** Gives the memory of a buffer back, which must have its `ArrayBuffer` for itself. */
function free({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
