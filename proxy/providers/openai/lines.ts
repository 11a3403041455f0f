import { ProxyError } from '../../error.ts';
import type { Share } from '../../in-flight.ts';

/** Longer than any line with a call or an answer. */
const maxLineBytes = 64 * 1024 * 1024;

/**
 * Yields the lines of a file, read piece by piece, since it may have hundreds of megabytes.
 *
 * @param share is charged for the line that is being read
 * @throws {ProxyError} `upstream_invalid_response` for a line that exceeds the limit; what the share throws
 */
export async function* linesOf(file: AsyncIterable<Buffer>, share?: Pick<Share, 'add'>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let length = 0;
  const gather = (piece: Buffer) => {
    length += piece.length;
    if (length > maxLineBytes) throw new ProxyError('upstream_invalid_response', { message: 'it is too long' });
    share?.add(piece.length);
    pieces.push(piece);
  };
  const startNext = () => {
    share?.add(-length);
    pieces = [];
    length = 0;
  };
  for await (const chunk of file) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      gather(chunk.subarray(start, end));
      yield Buffer.concat(pieces);
      startNext();
      start = end + 1;
    }
    gather(chunk.subarray(start));
  }
  yield Buffer.concat(pieces);
  startNext();
}
