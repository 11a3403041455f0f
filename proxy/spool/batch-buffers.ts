import type { BatchMemory } from '../../database/request-batches.ts';
import { makeReusedBytes, type ReusedBytes } from '../../database/reused-bytes.ts';
import { maxBatchBytes } from './outbox.ts';

/** The memory of a batch that is copied to Postgres. */
export interface BatchBuffers extends BatchMemory {
  /** Holds a slice of the rows as they are in the files, by the number of the slice. */
  rows(slice: number): ReusedBytes;
}

/** The rows of a batch may come from places that are apart, and a row may be large. */
const keptBytes = 2 * maxBatchBytes;
const keptSliceBytes = keptBytes / 4;

export function makeBatchBuffers(): BatchBuffers {
  const slices: ReusedBytes[] = [];
  return {
    rows(slice) {
      slices[slice] ??= makeReusedBytes(keptSliceBytes);
      return slices[slice];
    },
    records: makeReusedBytes(keptBytes),
    contents: makeReusedBytes(keptBytes),
  };
}
