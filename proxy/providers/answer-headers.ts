import type { IncomingHttpHeaders } from 'node:http';
import { type Secret, withoutSecretInHeader } from './redact.ts';

/**
 * Headers that end at this hop (RFC 9110, section 7.6.1), that are set again, or that reveal too much about the
 * provider account.
 */
const withheld = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'set-cookie',
  'openai-organization',
  'openai-project',
  'anthropic-organization-id',
  'anthropic-workspace-id',
  'date',
  'server',
  'alt-svc',
  'strict-transport-security',
  // The provider's `Vary` does not apply to our answers.
  'vary',
]);

/** Headers that would be taken for ours. What a network before the provider has cached is not in our cache. */
const renamed: ReadonlyMap<string, string> = new Map([
  ['x-request-id', 'x-upstream-request-id'],
  ['request-id', 'x-upstream-request-id'],
  ['x-cache', 'x-upstream-cache'],
  ['age', 'x-upstream-age'],
]);

/** Only the organization decides which web pages may read answers; and a provider may be another Chaperone. */
const ours = /^(?:access-control-|x-chaperone-)/;

/** @param secret the provider key, which is removed where a header quotes it */
export function forwardableHeaders(headers: IncomingHttpHeaders, secret: Secret): Record<string, string | string[]> {
  const forwarded: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || withheld.has(name) || ours.test(name)) continue;
    forwarded[renamed.get(name) ?? name] = withoutSecretInHeader(value, secret);
  }
  return forwarded;
}
