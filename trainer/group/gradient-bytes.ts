import type { Gradient } from '../model/gradient.ts';

/** A gradient as bytes, little-endian: the loss (64 bits), the examples and the features (32 bits), then the arrays. */
export function encodeGradient({ indices, values, loss, examples }: Gradient): Buffer {
  const head = Buffer.alloc(16);
  head.writeDoubleLE(loss, 0);
  head.writeUInt32LE(examples, 8);
  head.writeUInt32LE(indices.length, 12);
  const bytes = ({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array) =>
    Buffer.from(buffer, byteOffset, byteLength);
  return Buffer.concat([head, bytes(indices), bytes(values)]);
}

export function decodeGradient(bytes: Buffer): Gradient {
  const count = bytes.readUInt32LE(12);
  const split = 16 + count * 4;
  return {
    loss: bytes.readDoubleLE(0),
    examples: bytes.readUInt32LE(8),
    indices: new Uint32Array(Uint8Array.from(bytes.subarray(16, split)).buffer),
    values: new Float32Array(Uint8Array.from(bytes.subarray(split)).buffer),
  };
}
