import type { IncomingMessage } from 'node:http';

/**
 * The address by which the client has reached the proxy, for addresses in answers. Without a slash at its end. A load
 * balancer tells in `X-Forwarded-Proto` that it speaks TLS; of several, the first one has spoken with the client.
 */
export function ownAddress({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const { host } = headers;
  if (host === undefined) return '';
  const forwarded = String(headers['x-forwarded-proto'] ?? '')
    .split(',')[0]
    ?.trim();
  const isSecure = forwarded?.toLowerCase() === 'https' || 'encrypted' in socket;
  return `${isSecure ? 'https' : 'http'}://${host}`;
}
