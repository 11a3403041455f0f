import type { IncomingHttpHeaders } from 'node:http';
import { ProxyError } from '../../../error.ts';

/**
 * Reads the credential of a request from any of its three headers. Where several headers have one, they must be equal,
 * since another reader might take the other.
 *
 * @throws {ProxyError} `invalid_credentials` where there is none, `invalid_header` where there are several
 */
export function readCredential(headers: IncomingHttpHeaders): string {
  const bearer = readBearer(headers.authorization);
  const apiKey = headers['x-api-key'];
  const dashboardKey = headers['x-dashboard-key'];
  const credential = bearer ?? (readKey(apiKey) || readKey(dashboardKey));
  if (credential === '') throw noCredential();
  if (apiKey !== undefined) requireSame(credential, readKey(apiKey), 'X-API-Key');
  if (dashboardKey !== undefined) requireSame(credential, readKey(dashboardKey), 'X-Dashboard-Key');
  return credential;
}

function readBearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  if (/^bearer /i.test(authorization)) return authorization.slice(7).trim();
  throw noCredential();
}

function noCredential(): ProxyError {
  return new ProxyError('invalid_credentials', {
    param: 'Authorization',
    message: 'send Authorization: Bearer with a token or a key chp_…',
  });
}

function readKey(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

function requireSame(credential: string, other: string, param: string): void {
  if (other === '' || other === credential) return;
  throw new ProxyError('invalid_header', {
    param,
    message: `${param} and another header have different credentials; send one of them`,
  });
}
