import type { IncomingMessage } from 'node:http';

/**
 * Merges runs of slashes in a request's path into one. A base URL that ends with a slash gives `/v1//chat/completions`,
 * which many servers of this API accept. The query stays as it is.
 */
export function mergeSlashes(request: IncomingMessage): void {
  const { url } = request;
  if (!url?.startsWith('/') || !url.includes('//')) return;
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  request.url = path.replace(/\/{2,}/g, '/') + url.slice(path.length);
}
