import { createHash } from 'node:crypto';
import { ProxyError } from '../error.ts';

/** The limit of providers. */
const maxLength = 255;

/**
 * Scopes an idempotency key to one user. Users share a provider's account, so with the client's own key one user could
 * get another's answer. Every proxy makes the same result from the same key.
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
