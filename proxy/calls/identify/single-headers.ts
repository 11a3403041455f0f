import { ProxyError } from '../../error.ts';

/** The headers that say who calls, and what with: two readers of a message must not see two of them. */
const names = [
  ...['Authorization', 'X-API-Key', 'X-Dashboard-Key'],
  ...['X-User-ID', 'X-Session-ID', 'X-Turn-ID', 'X-Request-ID'],
  ...['X-Response-Format', 'Idempotency-Key'],
  ...['Content-Type', 'Content-Length', 'Content-Encoding', 'Host'],
];

const bits = new Map(
  // Most clients spell them so or so: what is found as it is need not be changed.
  names.flatMap((name, index) => [name, name.toLowerCase()].map((one) => [one, { name, bit: 1 << index }] as const)),
);
const isLength = Array.from({ length: 32 }, (_, length) => names.some((name) => name.length === length));

/**
 * Lets a message through that has each of these headers at most once. By the time headers are an object, Node has joined
 * some that came twice and dropped the second of others.
 *
 * @param rawHeaders names and values in turn
 * @throws {ProxyError} `invalid_header`
 */
export function requireSingleHeaders(rawHeaders: readonly string[]): void {
  let seen = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index] ?? '';
    if (!isLength[raw.length]) continue;
    const known = bits.get(raw) ?? bits.get(raw.toLowerCase());
    if (!known) continue;
    const { name, bit } = known;
    if (seen & bit) {
      throw new ProxyError('invalid_header', { param: name, message: `the header ${name} must stand only once` });
    }
    seen |= bit;
  }
}
