/**
 * A buffer for one user, who needs it again and again. Large buffers that live for some milliseconds make V8 collect the
 * whole heap every few hundred calls.
 */
export interface ReusedBytes {
  /** @returns so many bytes with any content; what the last call returned is no longer valid */
  take(bytes: number): Buffer;
}

/** @param keptBytes a larger buffer is not kept */
export function makeReusedBytes(keptBytes: number): ReusedBytes {
  let kept = Buffer.alloc(0);
  return {
    take(bytes) {
      if (bytes > keptBytes) return Buffer.allocUnsafeSlow(bytes);
      // Some room, since batches differ a little.
      if (bytes > kept.length) kept = Buffer.allocUnsafeSlow(Math.min(keptBytes, Math.ceil(bytes * 1.25)));
      return kept.subarray(0, bytes);
    },
  };
}
