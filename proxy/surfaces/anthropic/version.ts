import type { IncomingHttpHeaders } from 'node:http';
import { ProxyError } from '../../error.ts';

/** The versions of the API whose bodies the proxy can judge. */
const versions: readonly unknown[] = ['2023-06-01', '2026-10-21'];

/**
 * Refuses a version of Anthropic's API that the proxy does not know: fields of a later one could name a model or a file
 * that nothing checks. Without the header it is the first.
 *
 * @throws {ProxyError} `invalid_header`
 */
export function requireKnownVersion(headers: IncomingHttpHeaders): void {
  const version = headers['anthropic-version'];
  if (version === undefined || versions.includes(version)) return;
  const message = `the header anthropic-version must be ${versions.join(' or ')}`;
  throw new ProxyError('invalid_header', { param: 'anthropic-version', message });
}
