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
   * Collects at once after much garbage, and after a little once no body is held: a collection takes some 20 ms. Small
   * bodies go with the young generation by themselves; collecting for them would run several times a second.
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
 * The default limit: a quarter of the memory that the process may use, so that the sidecar stays below its limit of
 * 256Mi.
 *
 * @param constrainedBytes the container's limit; 0, or more than the machine has, where there is none
 */
export function defaultMaxInFlightBytes(constrainedBytes: number, machineBytes: number): number {
  const limit = constrainedBytes > 0 ? Math.min(constrainedBytes, machineBytes) : machineBytes;
  return Math.min(Math.max(Math.floor(limit / 4), 32 * mebibyte), 1024 * mebibyte);
}
