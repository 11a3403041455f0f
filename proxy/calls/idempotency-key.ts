import { createHash } from 'node:crypto';
import { ProxyError } from '../error.ts';

/** As long as providers take. */
const maxLength = 255;

/**
 * The key by which a provider knows a repeated request, for one user's requests alone. Users share a provider's account,
 * so with the client's own key one would get what another was answered. The same for the same key at every proxy.
 *
 * @returns 64 hexadecimal digits
 * @throws {ProxyError} `invalid_header`
 */
export function scopeIdempotencyKey(key: string, organizationId: string, userId: string): string {
  if (key.length > maxLength) {
    const param = 'Idempotency-Key';
    throw new ProxyError('invalid_header', { param, message: `${param} must have at most ${maxLength} characters` });
  }
  return createHash('sha256')
    .update(JSON.stringify([organizationId, userId, key]))
    .digest('hex');
}
