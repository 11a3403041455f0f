import type { IncomingMessage } from 'node:http';

/** The address by which the client has reached the proxy, for addresses in answers. Without a slash at its end. */
export function ownAddress({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const { host } = headers;
  if (host === undefined) return '';
  const forwarded = headers['x-forwarded-proto'];
  const isSecure = forwarded === 'https' || 'encrypted' in socket;
  return `${isSecure ? 'https' : 'http'}://${host}`;
}
