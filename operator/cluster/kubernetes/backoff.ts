import { ApiError } from './api-error.ts';

/** The first and the longest pause after a failure, in milliseconds. */
export type Backoff = readonly [first: number, longest: number];

/**
 * How long to wait after so many failures in a row: it doubles with each and is jittered, so that many do not come back
 * as one; never before the server wants.
 *
 * @returns milliseconds
 */
export function pauseAfter(failures: number, error: unknown, [first, longest]: Backoff): number {
  const pauseMs = Math.min(first * 2 ** (failures - 1), longest) * (0.5 + Math.random());
  const wantedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(pauseMs, wantedMs);
}
