import type { Dispatcher } from 'undici';
import type { RequestBytes } from './request-bytes.ts';

/** What a connection does for its present request. */
export interface Carrier {
  /** Reads on. */
  resume(): void;
  /** Ends the connection, since nobody can tell what of the answer is still to come. */
  abandon(): void;
}

/**
 * A request from its making to the end of its answer, and the handle by which its maker controls it. A handler that throws
 * has its request aborted.
 */
export class Request implements Dispatcher.DispatchController {
  #bytes: RequestBytes = '';
  /** Zero: no limit. */
  readonly headersTimeoutMs: number;
  /** Between two pieces of the answer. Zero: no limit. */
  readonly bodyTimeoutMs: number;
  readonly #handler: Dispatcher.DispatchHandler;
  #carrier: Carrier | undefined;
  #isPaused = false;
  #isOver = false;
  #reason: Error | null = null;

  constructor(headersTimeoutMs: number, bodyTimeoutMs: number, handler: Dispatcher.DispatchHandler) {
    this.headersTimeoutMs = headersTimeoutMs;
    this.bodyTimeoutMs = bodyTimeoutMs;
    this.#handler = handler;
  }

  /** Sets what is written. */
  give(bytes: RequestBytes): void {
    this.#bytes = bytes;
  }

  /** What is written. The request does not hold it any longer, since its answer may take long. */
  take(): RequestBytes {
    const bytes = this.#bytes;
    this.#bytes = '';
    return bytes;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  isOver(): boolean {
    return this.#isOver;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#carrier?.resume();
  }

  abort(reason: Error): void {
    if (this.#isOver) return;
    this.#reason = reason;
    const carrier = this.#carrier;
    this.fail(reason);
    carrier?.abandon();
  }

  /** It is about to be written. @returns whether it is still wanted */
  start(carrier: Carrier): boolean {
    if (this.#isOver) return false;
    try {
      this.#handler.onRequestStart?.(this, undefined);
    } catch (error) {
      this.abort(asError(error));
    }
    // `abort` has nothing to abandon before.
    if (!this.#isOver) this.#carrier = carrier;
    return !this.#isOver;
  }

  sent(): void {
    if (this.#isOver) return;
    try {
      this.#handler.onRequestSent?.();
    } catch (error) {
      this.abort(asError(error));
    }
  }

  head(status: number, headers: Record<string, string | string[]>): void {
    if (this.#isOver) return;
    try {
      this.#handler.onResponseStart?.(this, status, headers);
    } catch (error) {
      this.abort(asError(error));
    }
  }

  data(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#handler.onResponseData?.(this, bytes);
    } catch (error) {
      this.abort(asError(error));
    }
  }

  end(): void {
    if (this.#isOver) return;
    this.#finish();
    try {
      this.#handler.onResponseEnd?.(this, {});
    } catch (error) {
      this.#handler.onResponseError?.(this, asError(error));
    }
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#finish();
    this.#handler.onResponseError?.(this, error);
  }

  #finish(): void {
    this.#isOver = true;
    this.#carrier = undefined;
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('A handler failed', { cause: thrown });
}
