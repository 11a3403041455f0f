import { ApiError, ChatConnectionError, type ChatError, ChatTimeoutError } from './errors.ts';

/** How a client repeats what failed. */
export interface RetryPolicy {
  /** Attempts after the first. */
  readonly maxRetries: number;
  /** The longest wait before an attempt. If the server asks for a longer one, there is no further attempt. */
  readonly maxRetryDelayMs: number;
}

/** An attempt has failed, and there will be another. */
export interface RetryNotice {
  readonly error: Error;
  /** Failed attempts so far. */
  readonly failures: number;
  readonly delayMs: number;
}

interface RetriesOptions extends RetryPolicy {
  readonly timeoutMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly now: () => number;
}

/**
 * Counts the failures of a request. That the same request still runs, since the connection broke while it did, is no
 * failure of its own: that is waited for as long as an attempt may take.
 *
 * @returns after each failure, what to do. Undefined: there is no further attempt
 */
export function makeRetries(options: RetriesOptions): { after(error: ChatError): RetryNotice | undefined } {
  let failures = 0;
  let waitsUntil: number | undefined;
  return {
    after(error) {
      if (isRunning(error)) waitsUntil ??= options.now() + options.timeoutMs;
      if (failures === 0 || !isRunning(error) || options.now() >= (waitsUntil ?? 0)) failures += 1;
      const delayMs = chooseDelayMs(error, failures, options, options.random());
      return delayMs === undefined ? undefined : { error, failures, delayMs };
    },
  };
}

const isRunning = (error: ChatError) => error.code === 'idempotency_in_progress';

const firstDelayMs = 500;
const mayPass = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Says how long to wait before another attempt: as long as `Retry-After` says and up to a quarter more, so that clients
 * which were refused together do not come back together. Where the server says nothing, it is a random time of up to 0.5,
 * 1, 2, … seconds.
 *
 * @param failures how many attempts have failed
 * @param random from 0 to 1
 * @returns undefined: there is no further attempt
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function chooseDelayMs(
  error: ChatError,
  failures: number,
  { maxRetries, maxRetryDelayMs }: RetryPolicy,
  random: number,
): number | undefined {
  if (failures > maxRetries || !isPassing(error)) return undefined;
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  if (asked === undefined) return Math.min(maxRetryDelayMs, firstDelayMs * 2 ** (failures - 1)) * random;
  if (asked > maxRetryDelayMs) return undefined;
  return Math.min(maxRetryDelayMs, asked * (1 + random / 4));
}

function isPassing(error: ChatError): boolean {
  if (error instanceof ChatConnectionError || error instanceof ChatTimeoutError) return true;
  if (!(error instanceof ApiError) || error.isFinal) return false;
  return mayPass.has(error.status) || isRunning(error);
}

/** @returns milliseconds. Undefined: the header is absent, or says neither seconds nor a date */
export function readRetryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** @throws the reason of the signal */
export function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
