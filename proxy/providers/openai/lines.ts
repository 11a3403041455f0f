import { ProxyError } from '../../error.ts';

/** Longer than any line with a call or an answer. */
const maxLineBytes = 64 * 1024 * 1024;

/**
 * Yields the lines of a file, read piece by piece, since it may have hundreds of megabytes.
 *
 * @throws {ProxyError} `upstream_invalid_response` for a line that exceeds the limit
 */
export async function* linesOf(file: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of file) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      yield Buffer.concat([...pieces, chunk.subarray(start, end)]).toString('utf8');
      pieces = [];
      length = 0;
      start = end + 1;
    }
    pieces.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > maxLineBytes) throw new ProxyError('upstream_invalid_response');
  }
  yield Buffer.concat(pieces).toString('utf8');
}
