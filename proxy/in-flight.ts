import { ProxyError } from './error.ts';

/**
 * What bodies in flight may hold of the process's memory, in all: requests that are read, unpacked and parsed, forms
 * that wait for their model, answers that are read whole. Counted is what comes, not what a client says will come.
 */
export interface InFlight {
  /** A share for one request and its answer. */
  open(): Share;
  /** How much is held now, in bytes. */
  heldBytes(): number;
}

/** What one request holds. */
export interface Share {
  /**
   * Looks whether there is room for so much more, without taking it.
   *
   * @throws {ProxyError} `request_too_large` where there never is, `overloaded` where there is none now
   */
  expect(bytes: number): void;
  /** Takes so much more, or gives it back where it is below 0. @throws {ProxyError} as `expect` */
  add(bytes: number): void;
  /** Takes so much more for an answer: it has been paid for, so a part of all is kept for answers. @throws {ProxyError} `overloaded` */
  addAnswer(bytes: number): void;
  /** Told of bytes that came and were not kept: they take memory until garbage is collected. */
  discard(bytes: number): void;
  /** Gives everything back. Whatever is added later is not held. */
  release(): void;
}

/** An answer that is read whole is held as bytes, as text and parsed. */
export const answerFactor = 3;

const idleMs = 500;

/** Up to this size, what a request held is no more than what any call leaves behind. */
const smallBytes = 256 * 1024;

/** Of all, what requests may take. */
const requestsShare = 0.75;

/**
 * @param collect collects garbage: what was given back takes memory until then, and nobody else knows that there is much
 */
export function makeInFlight(maxBytes: number, collect?: () => void): InFlight {
  const maxRequestBytes = Math.floor(maxBytes * requestsShare);
  let held = 0;
  let uncollected = 0;
  let idleTimer: NodeJS.Timeout | undefined;
  const collectNow = () => {
    clearTimeout(idleTimer);
    idleTimer = undefined;
    uncollected = 0;
    collect?.();
  };
  const collectSoon = () => {
    uncollected = 0;
    setImmediate(collectNow);
  };
  /**
   * At once where it is much, and once nothing is held where it is a little: a collection takes some 20 ms. Small bodies go
   * with the young generation by themselves: asked for them, usual calls would collect several times a second.
   */
  const giveUp = (bytes: number) => {
    if (bytes < smallBytes) return;
    uncollected += bytes;
    if (!collect || uncollected < maxBytes / 64) return;
    if (uncollected >= maxBytes / 6) collectSoon();
    else if (held === 0) idleTimer ??= setTimeout(collectNow, idleMs).unref();
  };
  return {
    heldBytes: () => held,
    open() {
      let own = 0;
      let isReleased = false;
      const take = (bytes: number) => {
        if (isReleased) return;
        own += bytes;
        held += bytes;
      };
      const expect = (bytes: number) => {
        if (own + bytes > maxRequestBytes) throw tooLarge(maxRequestBytes);
        if (held + bytes > maxRequestBytes) throw new ProxyError('overloaded');
      };
      return {
        expect,
        add(bytes) {
          if (bytes > 0) expect(bytes);
          take(bytes);
        },
        addAnswer(bytes) {
          if (held + bytes > maxBytes) throw new ProxyError('overloaded');
          take(bytes);
        },
        discard: giveUp,
        release() {
          held -= own;
          giveUp(own);
          own = 0;
          isReleased = true;
        },
      };
    },
  };
}

function tooLarge(bytes: number): ProxyError {
  const message = `the body takes more memory than the proxy has for one: ${bytes} bytes, and parsed a body takes some times its size (--max-in-flight-bytes)`;
  return new ProxyError('request_too_large', { message });
}

const mebibyte = 1024 * 1024;

/**
 * How much may be held where nothing is said: a quarter of the memory that the process may use, so that the sidecar
 * stays under its limit of 256Mi.
 *
 * @param constrainedBytes the limit of the container; 0, or more than the machine has, where there is none
 */
export function defaultMaxInFlightBytes(constrainedBytes: number, machineBytes: number): number {
  const limit = constrainedBytes > 0 ? Math.min(constrainedBytes, machineBytes) : machineBytes;
  return Math.min(Math.max(Math.floor(limit / 4), 32 * mebibyte), 1024 * mebibyte);
}
