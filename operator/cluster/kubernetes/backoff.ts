import { ApiError } from './api-error.ts';

/** The first and the maximum pause after a failure, in milliseconds. */
export type Backoff = readonly [first: number, longest: number];

/**
 * How long to wait after a number of failures in a row. The pause doubles with each failure and is jittered, so that
 * many clients do not retry together. It is at least what the server asks for.
 *
 * @returns milliseconds
 */
export function pauseAfter(failures: number, error: unknown, [first, longest]: Backoff): number {
  const pauseMs = Math.min(first * 2 ** (failures - 1), longest) * (0.5 + Math.random());
  const wantedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(pauseMs, wantedMs);
}
