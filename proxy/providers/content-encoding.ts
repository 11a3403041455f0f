import { Transform, type TransformCallback } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import { ProxyError } from '../error.ts';

/** Opens an unpacker for one message, given its beginning. */
export type OpenUnpacker = (beginning: Buffer) => Transform;

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1 */
const unpackers: ReadonlyMap<string, OpenUnpacker> = new Map<string, OpenUnpacker>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['br', () => createBrotliDecompress()],
  // The limit of RFC 9659.
  ['zstd', () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } })],
  // The zlib format, but some servers omit its two header bytes.
  ['deflate', ([first = 0]) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw())],
]);

/** Finds the unpacker for a `Content-Encoding`. Undefined where the encoding is unknown, or where there are several. */
export function findUnpacker(encoding: string): OpenUnpacker | undefined {
  return unpackers.get(encoding.trim().toLowerCase());
}

/** From this size on, the unpacked size is compared with the packed size. */
const judgedFromBytes = 64 * 1024 * 1024;
/** Gzip unpacks one byte to at most 1,032. Brotli and zstd can reach millions, which only an attacker would send. */
const maxRatio = 1_100;

/**
 * Unpacks an answer with this `Content-Encoding`, which some servers send unasked. Chunks come out as soon as possible,
 * so that a stream stays a stream.
 *
 * @returns undefined where there is nothing to unpack, or the encoding is unknown. The stream fails with ProxyError
 * `upstream_invalid_response` for what does not unpack, and with `upstream_interrupted` for what ends too soon.
 */
export function makeDecoder(encoding: string): Transform | undefined {
  const open = findUnpacker(encoding);
  return open && new Decoder(open);
}

class Decoder extends Transform {
  readonly #open: OpenUnpacker;
  #unpacker: Transform | undefined;
  #packedBytes = 0;
  #unpackedBytes = 0;

  constructor(open: OpenUnpacker) {
    super();
    this.#open = open;
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

  /** The output may be a thousand times the input, so it waits until it is read. */
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
        if (this.#unpackedBytes > judgedFromBytes && this.#unpackedBytes > this.#packedBytes * maxRatio) {
          this.destroy(new ProxyError('upstream_invalid_response'));
        } else if (!this.push(unpacked)) unpacker.pause();
      })
      .on('error', (cause) => this.destroy(problemOf(cause)));
  }
}

function problemOf(cause: Error & { readonly code?: string }): ProxyError {
  const isCut = cause.code === 'Z_BUF_ERROR' || cause.code === 'ERR_BUFFER_OUT_OF_BOUNDS';
  return new ProxyError(isCut ? 'upstream_interrupted' : 'upstream_invalid_response', { cause });
}
