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

/** How providers call their own id of a request. */
const requestIds: ReadonlySet<string> = new Set(['x-request-id', 'request-id']);

/** @param secret the provider key, which is removed where a header quotes it */
export function forwardableHeaders(headers: IncomingHttpHeaders, secret: Secret): Record<string, string | string[]> {
  const forwarded: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    // Only the organization decides which web pages may read answers.
    if (value === undefined || withheld.has(name) || name.startsWith('access-control-')) continue;
    forwarded[requestIds.has(name) ? 'x-upstream-request-id' : name] = withoutSecretInHeader(value, secret);
  }
  return forwarded;
}
