import { ProxyError } from '../../error.ts';

/** The headers that identify the caller: two readers of a request must not see different ones. */
const names = [
  ...['Authorization', 'X-API-Key', 'X-Dashboard-Key'],
  ...['X-User-ID', 'X-Session-ID', 'X-Turn-ID', 'X-Request-ID'],
  ...['X-Optimization-Level', 'X-Service', 'X-Language-Code'],
  ...['X-Response-Format', 'Idempotency-Key', 'X-Visitor-Token'],
  ...['Content-Type', 'Content-Length', 'Content-Encoding', 'Host'],
];

const bits = new Map(
  // The two usual spellings, so that most headers need no conversion.
  names.flatMap((name, index) => [name, name.toLowerCase()].map((one) => [one, { name, bit: 1 << index }] as const)),
);
const isLength = Array.from({ length: 32 }, (_, length) => names.some((name) => name.length === length));

/**
 * Requires that a request has each of these headers at most once. In the headers object, Node has already joined or
 * dropped repeated ones.
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
