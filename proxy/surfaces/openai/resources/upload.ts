import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { isPacked, unpackBody } from '../../../calls/receive/receive-body.ts';

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

/** The headers that describe a body, for one that goes on as it came. */
export function bodyHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const described: Record<string, string> = {};
  for (const name of ['content-type', 'content-length'] as const) {
    const value = headers[name];
    // What is compressed goes on unpacked.
    if (name === 'content-length' && isPacked(headers)) continue;
    if (value !== undefined) described[name] = value;
  }
  return described;
}
