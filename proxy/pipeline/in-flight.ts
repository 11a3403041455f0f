import { ProxyError } from '../error.ts';

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
  /** Gives everything back. Whatever is added later is not held. */
  release(): void;
}

/** An answer that is read whole is held as bytes, as text and parsed. */
export const answerFactor = 3;

/** Of all, what requests may take. */
const requestsShare = 0.75;

export function makeInFlight(maxBytes: number): InFlight {
  const maxRequestBytes = Math.floor(maxBytes * requestsShare);
  let held = 0;
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
        release() {
          held -= own;
          own = 0;
          isReleased = true;
        },
      };
    },
  };
}

function tooLarge(bytes: number): ProxyError {
  const message = `The body takes more memory than the proxy has for one: ${bytes} bytes, and parsed a body takes some times its size (--max-in-flight-bytes)`;
  return new ProxyError('request_too_large', { message });
}

const mebibyte = 1024 * 1024;

/**
 * How much may be held where nothing is said: three eighths of the memory that the process may use, so that the sidecar
 * stays under its limit of 256Mi.
 *
 * @param constrainedBytes the limit of the container; 0, or more than the machine has, where there is none
 */
export function defaultMaxInFlightBytes(constrainedBytes: number, machineBytes: number): number {
  const limit = constrainedBytes > 0 ? Math.min(constrainedBytes, machineBytes) : machineBytes;
  return Math.min(Math.max(Math.floor((limit * 3) / 8), 32 * mebibyte), 1024 * mebibyte);
}
