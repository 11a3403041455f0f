import type { IncomingHttpHeaders } from 'node:http';
import type { Provider, Snapshot } from '../snapshot/snapshot.ts';
import type { Caller } from './call.ts';
import { scopeIdempotencyKey } from './idempotency-key.ts';

const nothing: readonly string[] = [];

/** The client's headers that go to every provider. Most others end here, above all credentials and cookies. */
const passedOn = ['accept', 'openai-beta'] as const;

/** The headers about the client's trace. They say something of the client, so a provider gets them only if it is to. */
const ofTraces = ['traceparent', 'tracestate'] as const;

/**
 * @param alsoPassed further headers of the client's that the provider of this call gets
 * @throws {ProxyError} `invalid_header`
 */
export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  { organizationId }: Pick<Snapshot, 'organizationId'>,
  { userId }: Pick<Caller, 'userId'>,
  { propagatesTraceContext }: Pick<Provider, 'propagatesTraceContext'>,
  alsoPassed: readonly string[] = nothing,
): Record<string, string> {
  const passed: Record<string, string> = { 'user-agent': 'chaperone' };
  pass(headers, passedOn, passed);
  if (propagatesTraceContext) pass(headers, ofTraces, passed);
  pass(headers, alsoPassed, passed);
  const key = headers['idempotency-key'];
  if (typeof key === 'string') passed['idempotency-key'] = scopeIdempotencyKey(key, organizationId, userId);
  return passed;
}

/** Copies headers that stand once. */
function pass(from: IncomingHttpHeaders, names: readonly string[], to: Record<string, string>): void {
  for (const name of names) {
    const value = from[name];
    if (typeof value === 'string') to[name] = value;
  }
}

/** The headers about the client's trace, for a provider that is to have them. */
export function traceHeaders(
  headers: IncomingHttpHeaders,
  { propagatesTraceContext }: Pick<Provider, 'propagatesTraceContext'>,
): Record<string, string> {
  const passed: Record<string, string> = {};
  if (propagatesTraceContext) pass(headers, ofTraces, passed);
  return passed;
}
