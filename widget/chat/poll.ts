import type { RateLimit } from '../../clients/javascript/src/index.ts';

const shortestMs = 3_000;
const longestMs = 20_000;
/** Requests that are left to the visitor's own messages. */
const reserve = 12;

interface Known {
  /** How often nothing new was there. */
  readonly idle: number;
  /** Undefined: not known yet. */
  readonly rate: RateLimit | undefined;
  readonly nowMs: number;
}

/**
 * How long to wait before the next look for replies: seconds at first, less often where nothing comes. With less than half
 * of the hour's requests left, what is not reserved is spread over the rest of the hour.
 */
export function nextLookMs({ idle, rate, nowMs }: Known): number {
  const wantedMs = Math.min(longestMs, shortestMs * 1.3 ** idle);
  if (!rate || rate.remaining > rate.limit / 2) return wantedMs;
  const leftMs = Math.max(0, rate.resetAt.getTime() - nowMs);
  const spare = rate.remaining - reserve;
  return spare <= 0 ? Math.max(wantedMs, leftMs) : Math.max(wantedMs, leftMs / spare);
}
