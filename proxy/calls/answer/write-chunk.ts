import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ClientResponse } from './client-response.ts';

/** A larger chunk is not worth a copy. */
const maxCopiedBytes = 16 * 1024;

/**
 * Writes a chunk of an answer that has begun: something was written behind its head, or the head was flushed.
 * `ServerResponse.write` takes four pieces for a chunk with its frame, and gathers them until the end of the turn, which
 * costs as much as all else that is done for a delta of a stream. Here it is one piece, and one write.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-7.1
 * @returns the stream whose `drain` must come before the next chunk. Undefined: the client can take more
 */
export function writeChunk(response: ClientResponse, bytes: Buffer): EventEmitter | undefined {
  const { socket } = response;
  if (!socket || !isFree(response, socket) || bytes.length === 0 || bytes.length > maxCopiedBytes)
    return response.write(bytes) ? undefined : response;
  const frame = `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`;
  return socket.write(frame, 'latin1') ? undefined : socket;
}

/**
 * Whether the answer is written in chunks, and the socket already has all of it that was written before. The response
 * holds what it was given in this turn of the event loop.
 */
function isFree(response: ClientResponse, socket: Socket): boolean {
  return (
    response.chunkedEncoding === true &&
    response.writableCorked === 0 &&
    response.writableLength === socket.writableLength
  );
}
