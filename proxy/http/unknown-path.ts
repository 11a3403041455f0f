import type { IncomingMessage } from 'node:http';
import { ProxyError } from '../error.ts';

/** @param where below a path of a surface, or beside all of them */
export function unknownPath({ method, url = '' }: IncomingMessage, where: 'below' | 'beside'): ProxyError {
  const path = url.split('?', 1)[0];
  const hint =
    where === 'below'
      ? 'Check the method and the path: /docs lists them.'
      : 'The API is under /v1, and described at /docs.';
  return new ProxyError('route_not_found', { message: `Unknown request URL: ${method} ${path}. ${hint}` });
}
