import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { unpackBody } from '../../../calls/receive/receive-body.ts';

/**
 * The body of a request as a stream of its own, with back-pressure. The provider may answer and close before it has all
 * of it: then the rest is read and forgotten, as a client that is still sending would not see the answer otherwise.
 */
export function makeUpload(request: IncomingMessage): PassThrough {
  const body = new PassThrough();
  const unpacked = unpackBody(request);
  body.once('close', () => {
    unpacked.unpipe(body);
    if (unpacked !== request) unpacked.destroy();
    request.resume();
  });
  unpacked.once('error', (error) => body.destroy(error));
  // Undici tells of what becomes of the body; without a listener the process would end.
  body.on('error', () => {});
  request.once('close', () => {
    if (!request.complete) body.destroy(new Error('The client broke off'));
  });
  return unpacked.pipe(body);
}
