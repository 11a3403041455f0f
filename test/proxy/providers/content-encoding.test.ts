import assert from 'node:assert/strict';
import { Readable, type Transform } from 'node:stream';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { makeDecoder } from '../../../proxy/providers/content-encoding.ts';
import { chunked, cuts } from '../calls/chunks.ts';

const codings: readonly (readonly [string, string, (bytes: Buffer) => Buffer])[] = [
  ['gzip', 'gzip', gzipSync],
  ['x-gzip, in large letters', ' X-GZIP ', gzipSync],
  ['br', 'br', brotliCompressSync],
  ['zstd', 'zstd', zstdCompressSync],
  ['deflate', 'deflate', deflateSync],
  ['deflate without its header', 'deflate', deflateRawSync],
];

function unpack(chunks: readonly Buffer[], encoding: string): Transform {
  return Readable.from(chunks, { objectMode: false }).pipe(makeDecoder(encoding) ?? assert.fail());
}

async function read(chunks: readonly Buffer[], encoding: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of unpack(chunks, encoding)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('an answer compressed with', () => {
  for (const [name, encoding, pack] of codings) {
    test(`${name} is read wherever its chunks break`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 5_000 }), cuts, async (bytes, at) => {
          const packed = pack(Buffer.from(bytes));
          assert.ok((await read(chunked(packed, at), encoding)).equals(bytes));
        }),
        { numRuns: 20 },
      );
    });

    test(`${name} is not read where it is cut or was never packed`, async () => {
      const packed = pack(Buffer.from(Array.from({ length: 5_000 }, (_, index) => index).join()));
      await assert.rejects(read([packed.subarray(0, packed.length / 2)], encoding), { code: 'upstream_interrupted' });
      await assert.rejects(read([Buffer.from('x was never packed')], encoding), /Error processing request/);
    });
  }
});

test('an answer that unpacks to thousands of times its size is not read to its end', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(100 * 1024 * 1024));
  let seen = 0;
  await assert.rejects(
    async () => {
      for await (const piece of unpack([bomb], 'zstd')) seen += piece.length;
    },
    { code: 'upstream_invalid_response' },
  );
  assert.ok(seen <= 64 * 1024 * 1024, `${seen}`);
});

test('an answer that is not compressed, or in an unknown way, is left alone', () => {
  for (const encoding of ['', 'identity', 'utf-8', 'gzip, br', 'compress']) {
    assert.equal(makeDecoder(encoding), undefined);
  }
});
