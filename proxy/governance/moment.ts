import { ProxyError } from '../error.ts';

/**
 * Reads a moment as a caller states it.
 *
 * @param text ISO 8601; a time without a zone is in UTC
 * @returns the moment in UTC; null where none is stated
 * @throws {ProxyError} `invalid_request`
 */
export function readMoment(param: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const [, time, zone] = stated.exec(text) ?? [];
  const moment = new Date(time !== undefined && zone === undefined ? `${text}Z` : text);
  const isStorable = moment.getTime() >= 0 && moment.getTime() < Date.UTC(10_000, 0);
  if (stated.test(text) && isStorable) return moment.toISOString();
  throw new ProxyError('invalid_request', { param, message: `${param} must be a time such as 2027-01-31T12:00:00Z` });
}

const stated = /^\d{4}-\d{2}-\d{2}(?:([T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;
