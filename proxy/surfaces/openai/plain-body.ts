import type { IncomingHttpHeaders } from 'node:http';
import { ProxyError } from '../../error.ts';

/**
 * A compressed body is not read: what it says of itself is no bound on what it unpacks to.
 *
 * @throws {ProxyError} `invalid_header`
 */
export function requirePlainBody(headers: IncomingHttpHeaders): void {
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding === '' || encoding === 'identity') return;
  const message = 'Content-Encoding must be absent: bodies are taken as they are, not compressed';
  throw new ProxyError('invalid_header', { param: 'Content-Encoding', message });
}
