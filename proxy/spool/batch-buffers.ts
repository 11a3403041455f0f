import type { BatchMemory } from '../../database/requests.ts';
import { makeReusedBytes, type ReusedBytes } from '../../database/reused-bytes.ts';
import { maxBatchBytes } from './outbox.ts';

/** The memory of a batch that is copied to Postgres. */
export interface BatchBuffers extends BatchMemory {
  /** The rows as they are in the files. */
  readonly rows: ReusedBytes;
}

/** The rows of a batch may come from places that are apart, and a row may be large. */
const keptBytes = 2 * maxBatchBytes;

export function makeBatchBuffers(): BatchBuffers {
  return {
    rows: makeReusedBytes(keptBytes),
    json: makeReusedBytes(keptBytes),
    contents: makeReusedBytes(keptBytes),
  };
}
