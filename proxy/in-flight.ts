import { ProxyError } from './error.ts';

/**
 * Limits the memory of all bodies in flight: requests that are read, unpacked and parsed, forms that wait for their
 * model, answers that are read whole. Bytes that have arrived count, not the announced length.
 */
export interface InFlight {
  /** Opens a share for one request and its answer. */
  open(): Share;
  /** The memory in use, in bytes. */
  heldBytes(): number;
}

/** The memory of one request. */
export interface Share {
  /**
   * Checks whether there is room for more bytes, without taking them.
   *
   * @throws {ProxyError} `request_too_large` where there never can be, `overloaded` where there is none now
   */
  expect(bytes: number): void;
  /** Takes bytes, or gives them back where negative. @throws {ProxyError} as `expect` */
  add(bytes: number): void;
  /**
   * Takes bytes for an answer. Answers have been paid for, so part of the limit is reserved for them. @throws
   * {ProxyError} `overloaded`
   */
  addAnswer(bytes: number): void;
  /** Call this with bytes that were read and dropped: they take memory until garbage is collected. */
  discard(bytes: number): void;
  /** Gives everything back. Later additions do not count. */
  release(): void;
}

/** An answer that is read whole exists as bytes, as text and parsed. */
export const answerFactor = 3;

const idleMs = 500;

/** Up to this size, a request leaves no more garbage than any call. */
const smallBytes = 256 * 1024;

/** The part of the limit that requests may take. */
const requestsShare = 0.75;

/** @param collect runs a garbage collection: released bodies take memory until then, and V8 does not notice how much */
export function makeInFlight(maxBytes: number, collect?: () => void): InFlight {
  return new Memory(maxBytes, collect);
}

/** The memory of all bodies. It is a class, as its shares are, since each call opens one. */
class Memory implements InFlight {
  readonly #maxBytes: number;
  readonly #maxRequestBytes: number;
  readonly #collect: (() => void) | undefined;
  #held = 0;
  #uncollected = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(maxBytes: number, collect: (() => void) | undefined) {
    this.#maxBytes = maxBytes;
    this.#maxRequestBytes = Math.floor(maxBytes * requestsShare);
    this.#collect = collect;
  }

  open(): Share {
    return new OpenShare(this);
  }

  heldBytes(): number {
    return this.#held;
  }

  /** @param own what the request holds already */
  expect(bytes: number, own: number): void {
    if (own + bytes > this.#maxRequestBytes) throw tooLarge(this.#maxRequestBytes);
    if (this.#held + bytes > this.#maxRequestBytes) throw new ProxyError('overloaded');
  }

  expectAnswer(bytes: number): void {
    if (this.#held + bytes > this.#maxBytes) throw new ProxyError('overloaded');
  }

  hold(bytes: number): void {
    this.#held += bytes;
  }

  /**
   * Collects at once after much garbage, and after a little once no body is held: a collection takes some 20 ms. Small
   * bodies go with the young generation by themselves; collecting for them would run several times a second.
   */
  giveUp(bytes: number): void {
    if (bytes < smallBytes) return;
    this.#uncollected += bytes;
    if (!this.#collect || this.#uncollected < this.#maxBytes / 64) return;
    if (this.#uncollected >= this.#maxBytes / 6) {
      this.#uncollected = 0;
      setImmediate(() => this.#collectNow());
    } else if (this.#held === 0) this.#idleTimer ??= setTimeout(() => this.#collectNow(), idleMs).unref();
  }

  #collectNow(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
    this.#uncollected = 0;
    this.#collect?.();
  }
}

class OpenShare implements Share {
  readonly #memory: Memory;
  #own = 0;
  #isReleased = false;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  expect(bytes: number): void {
    this.#memory.expect(bytes, this.#own);
  }

  add(bytes: number): void {
    if (bytes > 0) this.expect(bytes);
    this.#take(bytes);
  }

  addAnswer(bytes: number): void {
    this.#memory.expectAnswer(bytes);
    this.#take(bytes);
  }

  discard(bytes: number): void {
    this.#memory.giveUp(bytes);
  }

  release(): void {
    const own = this.#own;
    this.#own = 0;
    this.#isReleased = true;
    this.#memory.hold(-own);
    this.#memory.giveUp(own);
  }

  #take(bytes: number): void {
    if (this.#isReleased) return;
    this.#own += bytes;
    this.#memory.hold(bytes);
  }
}

function tooLarge(bytes: number): ProxyError {
  const message = `the body takes more memory than the proxy has for one: ${bytes} bytes, and parsed a body takes some times its size (--max-in-flight-bytes)`;
  return new ProxyError('request_too_large', { message });
}

const mebibyte = 1024 * 1024;

/**
 * The default limit: a quarter of the memory that the process may use, so that the sidecar stays below its limit of
 * 256Mi.
 *
 * @param constrainedBytes the container's limit; 0, or more than the machine has, where there is none
 */
export function defaultMaxInFlightBytes(constrainedBytes: number, machineBytes: number): number {
  const limit = constrainedBytes > 0 ? Math.min(constrainedBytes, machineBytes) : machineBytes;
  return Math.min(Math.max(Math.floor(limit / 4), 32 * mebibyte), 1024 * mebibyte);
}
