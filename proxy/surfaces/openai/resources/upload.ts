import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';

/**
 * The body of a request as a stream of its own, with back-pressure. The provider may answer and close before it has all
 * of it: then the rest is read and forgotten, as a client that is still sending would not see the answer otherwise.
 */
export function makeUpload(request: IncomingMessage): PassThrough {
  const body = new PassThrough();
  body.once('close', () => {
    request.unpipe(body);
    request.resume();
  });
  // Undici tells of what becomes of the body; without a listener the process would end.
  body.on('error', () => {});
  request.once('close', () => {
    if (!request.complete) body.destroy(new Error('The client broke off'));
  });
  return request.pipe(body);
}
