import { createHmac } from 'node:crypto';
import type { Envelope } from '../../../database/envelope.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';

const param = 'Idempotency-Key';

/** Reads the header. Undefined where there is none. @throws {ProxyError} `invalid_header` */
export function readIdempotencyKey(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = String(header).trim();
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  const message = `${param} must have 1 to 255 visible ASCII characters, such as a UUID`;
  throw new ProxyError('invalid_header', { param, message });
}

export interface DigestedRequest {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

/**
 * The keyed digests of a request with an `Idempotency-Key`: nobody without the data keys can tell from a row what was asked,
 * by a guess of it either. Equal keys of two callers are two keys; so are those of one caller with other roles.
 */
export function digestRequest(
  envelope: Pick<Envelope, 'lastingKey'>,
  organizationId: string,
  { identity, userId, roles }: Pick<Caller, 'identity' | 'userId' | 'roles'>,
  key: string,
  { method, url, body }: DigestedRequest,
): { readonly keyDigest: Buffer; readonly requestDigest: Buffer } {
  const secret = envelope.lastingKey(organizationId, 'idempotency');
  const digest = (parts: readonly unknown[]) => createHmac('sha256', secret).update(JSON.stringify(parts)).digest();
  return {
    keyDigest: digest(['key', userId, identity.accessKey?.id ?? '', identity.namespace ?? '', [...roles].sort(), key]),
    requestDigest: digest(['request', method, url, inOrder(body)]),
  };
}

/** The same JSON with its fields in one order: a client that retries may write them in another. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return fields.map(([name, field]) => [name, inOrder(field)]);
}
