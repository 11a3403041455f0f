import type { IncomingMessage } from 'node:http';
import { ProxyError } from '../error.ts';

/**
 * The headers of an opening request, with the credential from its address where they have none: browsers cannot set
 * headers. The address goes into no log.
 *
 * @throws {ProxyError} `invalid_header` where a header has another credential
 */
export function withTokenOfAddress({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>) {
  const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  const token = new URLSearchParams(query).get('token');
  if (token === null || token === '') return headers;
  const authorization = `Bearer ${token}`;
  if (headers.authorization !== undefined && headers.authorization !== authorization) {
    const message = 'Authorization and token have different credentials; send one of them';
    throw new ProxyError('invalid_header', { param: 'token', message });
  }
  return { ...headers, authorization };
}
