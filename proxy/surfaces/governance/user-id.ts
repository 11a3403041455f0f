import { ProxyError } from '../../error.ts';

/**
 * A user's id as a call would name it: without the space around it. One that no client could send in a header would be
 * of a user that can never call.
 *
 * @throws {ProxyError} `invalid_request`
 */
export function readUserId(param: string, text: string): string {
  const id = text.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a header cannot hold
  if (id !== '' && !/[\x00-\x1f\x7f]/.test(id) && id.isWellFormed()) return id;
  const message = `${param} must be text that can be sent as the header X-User-ID`;
  throw new ProxyError('invalid_request', { param, message });
}
