import type { Caller } from '../calls/call.ts';

/**
 * The headers of our own: the request's id on every answer, and the session as soon as the caller is known.
 *
 * @param alsoAs a further header for the id
 */
export function ownHeaders(requestId: string, caller: Caller | undefined, alsoAs?: string): Record<string, string> {
  const headers: Record<string, string> = { 'x-request-id': requestId };
  if (caller) headers['x-session-id'] = toHeader(caller.sessionId);
  if (alsoAs !== undefined) headers[alsoAs] = requestId;
  return headers;
}

/** Most values are ASCII, which is the same in both. */
const isPlain = /^[\x20-\x7e]*$/;

/** A header's value as Node writes it: UTF-8 bytes, each as one Latin-1 character. */
function toHeader(value: string): string {
  if (isPlain.test(value)) return value;
  return Buffer.from(value, 'utf8').toString('latin1');
}

/** How many requests a caller may make. */
export interface Rate {
  readonly limit: number;
  readonly remaining: number;
  /** When `remaining` is `limit` again, in milliseconds since 1970. */
  readonly resetAtMs: number;
}

/** @param prefix such as `X-RateLimit`: contracts differ in the name. The reset is told in seconds since 1970. */
export function rateHeaders(prefix: string, { limit, remaining, resetAtMs }: Rate): Record<string, string> {
  const name = prefix.toLowerCase();
  return {
    [`${name}-limit`]: String(limit),
    [`${name}-remaining`]: String(Math.max(0, remaining)),
    [`${name}-reset`]: String(Math.ceil(resetAtMs / 1_000)),
  };
}
