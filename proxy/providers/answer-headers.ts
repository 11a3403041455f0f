import type { IncomingHttpHeaders } from 'node:http';
import { type Secret, withoutSecretInHeader } from './redact.ts';

/**
 * Headers that end at this hop (RFC 9110, section 7.6.1), are written anew, or say more of the provider account than
 * its users should know.
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
  'date',
  'server',
  'alt-svc',
  'strict-transport-security',
  // What is sent here does not depend on what the provider's cache goes by.
  'vary',
]);

/** @param secret of the provider, which should it quote that in a header is not the caller's to see */
export function forwardableHeaders(headers: IncomingHttpHeaders, secret: Secret): Record<string, string | string[]> {
  const forwarded: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    // Which web pages may read answers is the organization's to say.
    if (value === undefined || withheld.has(name) || name.startsWith('access-control-')) continue;
    forwarded[name === 'x-request-id' ? 'x-upstream-request-id' : name] = withoutSecretInHeader(value, secret);
  }
  return forwarded;
}
