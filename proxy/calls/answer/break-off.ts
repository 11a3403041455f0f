import type { ServerResponse } from 'node:http';

/**
 * Ends an answer that has begun without the end of its message, so that its client knows that there is more.
 *
 * By HTTP/1.0, as nginx speaks it unless it is told otherwise, the end of the connection would be that of the message.
 */
export function breakOff(response: ServerResponse): void {
  if (response.req.httpVersionMinor === 0) response.socket?.resetAndDestroy();
  else response.destroy();
}
