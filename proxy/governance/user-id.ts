import { isUserId } from '../calls/identify/user-id.ts';
import { ProxyError } from '../error.ts';

/**
 * A user's id as a call would name it: without the space around it.
 *
 * @throws {ProxyError} `invalid_request`
 */
export function readUserId(param: string, text: string): string {
  const id = text.trim();
  if (isUserId(id)) return id;
  const message = `${param} must be text that can be sent as the header X-User-ID`;
  throw new ProxyError('invalid_request', { param, message });
}
