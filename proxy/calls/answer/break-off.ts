import type { ClientResponse } from './client-response.ts';

/**
 * Cuts an answer that has begun, without the end of its message, so that the client knows that it is incomplete.
 *
 * In HTTP/1.0, which nginx speaks by default, the end of the connection would end the message. So the connection is
 * reset.
 */
export function breakOff(response: ClientResponse): void {
  if (response.req?.httpVersionMinor === 0) response.socket?.resetAndDestroy();
  else response.destroy();
}
