import type { IncomingHttpHeaders } from 'node:http';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Caller } from './call.ts';
import { scopeIdempotencyKey } from './idempotency-key.ts';

const nothing: readonly string[] = [];

/** The client's headers that go to every provider. Most others end here, above all credentials and cookies. */
const passedOn = ['accept', 'openai-beta', 'traceparent', 'tracestate'] as const;

/**
 * @param alsoPassed further headers of the client's that the provider of this call gets
 * @throws {ProxyError} `invalid_header`
 */
export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  { organizationId }: Pick<Snapshot, 'organizationId'>,
  { userId }: Pick<Caller, 'userId'>,
  alsoPassed: readonly string[] = nothing,
): Record<string, string> {
  const passed: Record<string, string> = { 'user-agent': 'chaperone' };
  for (const name of passedOn) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  for (const name of alsoPassed) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  const key = headers['idempotency-key'];
  if (typeof key === 'string') passed['idempotency-key'] = scopeIdempotencyKey(key, organizationId, userId);
  return passed;
}
