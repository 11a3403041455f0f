import { DatabaseError } from 'pg';
import { outageKindOf } from '../../database/outage.ts';
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
    const [only] = rows.length === 1 ? rows : [];
    if (only && isRefusal(error)) {
      options.onRefused(table, only, error);
      return;
    }
    if (only || !(isRefusal(error) || outageKindOf(error) === 'timeout')) throw error;
    const middle = rows.length >> 1;
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      await insertBatch(options, db, await options.makeBatch(table, half));
    }
  }
}

/**
 * SQLSTATE classes that blame the rows, so that the same batch will never be accepted: cardinality, data, constraint, the
 * check of a view, a limit of the server (as an index has for its keys), and what a trigger raises.
 */
const refusalCodes = /^(2[123]|44|54|P0)/;

export function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && refusalCodes.test(error.code ?? '');
}
