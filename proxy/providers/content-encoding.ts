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

/** Opens what unpacks one message, of which it is shown the beginning. */
export type OpenUnpacker = (beginning: Buffer) => Transform;

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1 */
const unpackers: ReadonlyMap<string, OpenUnpacker> = new Map<string, OpenUnpacker>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['br', () => createBrotliDecompress()],
  // No more than RFC 9659 lets a sender ask for.
  ['zstd', () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } })],
  // Meant is the zlib format, but some servers leave its two bytes out.
  ['deflate', ([first = 0]) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw())],
]);

/** What unpacks a message of this `Content-Encoding`; undefined where it is not known, or where there are several. */
export function findUnpacker(encoding: string): OpenUnpacker | undefined {
  return unpackers.get(encoding.trim().toLowerCase());
}

/** From this size on, what comes out is compared with what went in. */
const judgedFromBytes = 64 * 1024 * 1024;
/** Gzip makes at most 1,032 bytes of one. Brotli and zstd make millions, which nobody sends in good faith. */
const maxRatio = 1_100;

/**
 * Unpacks an answer of this `Content-Encoding`, which some servers send though none was asked for. Chunks come out as
 * soon as they can be said, so that a stream stays one.
 *
 * @returns undefined where there is nothing to unpack, or it is not known how. The stream fails with ProxyError
 *   `upstream_invalid_response` for what does not unpack, and with `upstream_interrupted` for what ends too soon.
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

  /** What comes out may be a thousand times as much as went in: it waits until it is read. */
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
