import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { ProxyError } from '../../error.ts';
import type { Share } from '../../in-flight.ts';
import { findUnpacker, type OpenUnpacker } from '../../providers/content-encoding.ts';
import { type GatheredBytes, gatherBytes } from './gathered-bytes.ts';
import type { StallWatch } from './stall-watch.ts';

/** Base64 images and long contexts fit. A larger body is a mistake. */
export const maxBodyBytes = 64 * 1024 * 1024;

/** How many times its size a body may unpack to. Texts unpack to 20 times at most. Small bodies have no such limit. */
const maxRatio = 200;
const freeBytes = 1024 * 1024;

/** The overhead of a chunk. */
const chunkBytes = 128;

const acceptedEncodings = 'gzip, deflate, br, zstd';

/**
 * Requires an encoding that can be read: none, or a single compression.
 *
 * @throws {ProxyError} `unsupported_encoding`
 */
export function requireKnownEncoding(headers: IncomingHttpHeaders): void {
  const encoding = headers['content-encoding'];
  if (isPlain(encoding) || findUnpacker(encoding)) return;
  const message = encoding.includes(',')
    ? `Content-Encoding must name one encoding, not several: one of ${acceptedEncodings}`
    : `Content-Encoding must be one of ${acceptedEncodings}`;
  const spoken = { 'accept-encoding': acceptedEncodings };
  throw new ProxyError('unsupported_encoding', { param: 'Content-Encoding', message, headers: spoken });
}

function isPlain(encoding: string | undefined): encoding is undefined {
  return encoding === undefined || encoding === '' || encoding.trim().toLowerCase() === 'identity';
}

/** Whether the body is compressed. Then its Content-Length is not that of the forwarded body. */
export function isPacked({ 'content-encoding': encoding }: IncomingHttpHeaders): boolean {
  return !isPlain(encoding);
}

/**
 * The unpacked body, or the request itself where it is not compressed. The stream fails with ProxyError
 * `request_too_large` where it unpacks to too much, and with `invalid_request` where it cannot be unpacked.
 *
 * @throws {ProxyError} `unsupported_encoding`
 */
export function unpackBody(request: IncomingMessage, maxBytes = Number.POSITIVE_INFINITY): Readable {
  const { headers } = request;
  requireKnownEncoding(headers);
  const open = isPlain(headers['content-encoding']) ? undefined : findUnpacker(headers['content-encoding']);
  if (!open) return request;
  const unpacked = new Unpacking(open, maxBytes);
  request.once('error', (error) => unpacked.destroy(error));
  request.once('close', () => {
    if (!request.complete) unpacked.destroy(new Error('The client broke off'));
  });
  unpacked.once('close', () => {
    request.unpipe(unpacked);
    // Read the rest: a client that is still sending would not see its answer otherwise.
    request.resume();
  });
  return request.pipe(unpacked);
}

class Unpacking extends Transform {
  readonly #open: OpenUnpacker;
  readonly #maxBytes: number;
  #unpacker: Transform | undefined;
  #packedBytes = 0;
  #unpackedBytes = 0;

  constructor(open: OpenUnpacker, maxBytes: number) {
    super();
    this.#open = open;
    this.#maxBytes = maxBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#packedBytes += chunk.length;
    this.#unpacker ??= this.#start(chunk);
    this.#unpacker.write(chunk, () => done());
  }

  override _flush(done: TransformCallback): void {
    if (this.#unpacker) this.#unpacker.once('end', () => done()).end();
    else done();
  }

  override _read(size: number): void {
    this.#unpacker?.resume();
    super._read(size);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#unpacker?.destroy();
    done(error);
  }

  #start(beginning: Buffer): Transform {
    const unpacker = this.#open(beginning);
    return unpacker
      .on('data', (unpacked: Buffer) => {
        this.#unpackedBytes += unpacked.length;
        const problem = this.#problem();
        if (problem) this.destroy(problem);
        else if (!this.push(unpacked)) unpacker.pause();
      })
      .on('error', (cause) => {
        const message = 'the body is not what its Content-Encoding says, or it breaks off';
        this.destroy(new ProxyError('invalid_request', { param: 'Content-Encoding', message, cause }));
      });
  }

  #problem(): ProxyError | undefined {
    if (this.#unpackedBytes > this.#maxBytes) {
      const message = `the body unpacks to more than ${this.#maxBytes} bytes`;
      return new ProxyError('request_too_large', { param: 'Content-Encoding', message });
    }
    if (this.#unpackedBytes <= freeBytes || this.#unpackedBytes <= this.#packedBytes * maxRatio) return undefined;
    const message = `the body unpacks to more than ${maxRatio} times its size`;
    return new ProxyError('request_too_large', { param: 'Content-Encoding', message });
  }
}

/** Memory of a parsed field or element, in addition to its text. */
export const valueBytes = 40;
/** Up to this size, a body may be parsed before its values are counted. */
const trustedBytes = 1024 * 1024;

/**
 * Charges the memory that parsing a body needs: its text, and the values with their texts. In a body of brackets, the
 * values are many times as large as the body.
 *
 * @returns the bytes that the share has taken
 * @throws {ProxyError} `request_too_large`, `overloaded`
 */
export function chargeParsing(raw: Buffer, share: Share): number {
  const bytes = raw.length * 2;
  share.add(bytes);
  if (raw.length <= trustedBytes) return bytes;
  let values = 0;
  // This counts such characters in texts, too, so it is an upper bound.
  for (let index = 0; index < raw.length; index += 1) {
    const byte = raw[index];
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) values += 1;
  }
  share.expect(values * valueBytes);
  return bytes;
}

/** Gets a whole body, or the error because of which there is none. */
export interface BodyReceiver {
  whole(body: Buffer): void;
  /** @param error a ProxyError, as `receiveBody` says */
  failed(error: unknown): void;
}

/**
 * Reads the whole body of a request, unpacked. Bytes are charged to the share as they arrive. The receiver gets the
 * body in the turn of the event loop in which it is complete.
 *
 * @throws {ProxyError} `unsupported_encoding`, `request_too_large`, `overloaded`. The receiver gets these, too;
 * `request_timeout` where the body stalls; `invalid_request` where the client breaks off
 */
export function receiveBody(request: IncomingMessage, share: Share, stalls: StallWatch, receiver: BodyReceiver): void {
  const declared = Number(request.headers['content-length'] ?? 0);
  try {
    if (declared > maxBodyBytes) throw new ProxyError('request_too_large');
    // Including the memory for parsing.
    share.expect(declared * 3);
  } catch (error) {
    // Read and drop the rest: a client that is still sending would not see its answer otherwise.
    request.on('data', (chunk: Buffer) => share.discard(chunk.length));
    throw error;
  }
  const source = unpackBody(request, maxBodyBytes);
  let gathered: GatheredBytes | undefined = gatherBytes(source === request ? declared : 0);
  let length = 0;
  const watched = stalls.watch(() => fail(new ProxyError('request_timeout')));
  const fail = (error: unknown) => {
    watched.end();
    if (!gathered) return;
    gathered.drop();
    gathered = undefined;
    if (source !== request) source.destroy();
    receiver.failed(error instanceof ProxyError ? error : new ProxyError('invalid_request', { cause: error }));
  };
  source.on('data', (chunk: Buffer) => {
    watched.touch();
    if (!gathered) {
      share.discard(chunk.length);
      return;
    }
    length += chunk.length;
    try {
      if (length > maxBodyBytes) throw new ProxyError('request_too_large');
      share.add(chunk.length + chunkBytes);
      gathered.push(chunk);
    } catch (error) {
      fail(error);
    }
  });
  source.on('end', () => {
    watched.end();
    const whole = gathered?.whole();
    gathered = undefined;
    if (whole) receiver.whole(whole);
  });
  source.on('error', fail);
  // It may have broken off while the credential was being verified; then no event comes any more.
  if (request.destroyed) fail(undefined);
}

/** Like `receiveBody`, for callers that wait. */
export function readBodyOf(request: IncomingMessage, share: Share, stalls: StallWatch): Promise<Buffer> {
  return new Promise((whole, failed) => receiveBody(request, share, stalls, { whole, failed }));
}
