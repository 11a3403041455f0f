import { DatabaseError } from 'pg';
import type { Queryable } from '../../database/queryable.ts';
import type { Batch } from './batch.ts';
import type { SpooledRow } from './outbox.ts';
import type { SpoolTable } from './tables.ts';

export interface InsertOptions {
  readonly makeBatch: (table: SpoolTable, rows: readonly SpooledRow[]) => Promise<Batch>;
  /** Called with rows that are in Postgres. */
  readonly onInserted: (table: SpoolTable, rows: readonly SpooledRow[]) => void;
  /** Called with a row that Postgres will never accept. */
  readonly onRefused: (table: SpoolTable, row: SpooledRow, error: Error) => void;
}

/**
 * Stores a batch. Halves one that Postgres refuses until it finds the refused row, so that this row blocks no other. It
 * also halves a batch that exceeds the statement timeout, so that its rows arrive at all.
 *
 * @throws other errors of the database; what was not stored by then is sent again
 */
export async function insertBatch(options: InsertOptions, db: Queryable, batch: Batch): Promise<void> {
  const { table, rows } = batch;
  try {
    await batch.insert(db);
    options.onInserted(table, rows);
  } catch (error) {
    if (!isRefusal(error) && !(isTooSlow(error) && rows.length > 1)) throw error;
    const [only] = rows;
    if (rows.length === 1 && only) {
      options.onRefused(table, only, error);
      return;
    }
    const middle = rows.length >> 1;
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      await insertBatch(options, db, await options.makeBatch(table, half));
    }
  }
}

/** The server canceled the statement: `query_canceled`. */
function isTooSlow(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code === '57014';
}

/** Errors of class 22 (data) and 23 (constraint): the same batch will never be accepted. */
function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && /^2[23]/.test(error.code ?? '');
}
