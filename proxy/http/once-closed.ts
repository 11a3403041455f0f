import type { ServerResponse } from 'node:http';

/**
 * Runs `work` when the answer is through, or its client has left. At once where that has already happened: a client may
 * leave while its request waits for something else.
 */
export function onceClosed(response: ServerResponse, work: () => void): void {
  if (response.destroyed) work();
  else response.once('close', work);
}
