import { setImmediate } from 'node:timers/promises';
import { insertSpooledEntries } from '../../database/audit/spooled.ts';
import { insertNewRequests, insertRequests } from '../../database/insert-requests.ts';
import { insertOwnedResources } from '../../database/owned-resources.ts';
import { insertPendingCalls, markSettled } from '../../database/pending-calls.ts';
import type { Queryable } from '../../database/queryable.ts';
import { insertRatings } from '../../database/ratings.ts';
import { type BatchForm, type BatchMemory, formOf, gatherRequests } from '../../database/request-batches.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { insertBlocks } from '../../database/speech/blocks.ts';
import type { SpooledRow } from './outbox.ts';
import type { SpoolTable } from './tables.ts';

/** Rows that are ready to send. */
export interface Batch {
  readonly table: SpoolTable;
  readonly rows: readonly SpooledRow[];
  insert(db: Queryable): Promise<void>;
}

export interface BatchOptions {
  readonly organizationId: string;
  /** Is used until the batch is stored. */
  readonly memory: BatchMemory;
  /**
   * Called for each pending call that was settled. Of all proxies, only the one whose settlement reached Postgres first
   * calls it.
   */
  readonly onSettled?: ((record: RequestRecord) => void) | undefined;
}

/** Copying so many bytes takes well below a millisecond. Calls get their turn between two slices. */
const sliceBytes = 256 * 1024;

/** Makes the statement that stores rows of a table. */
export async function makeBatch(
  { organizationId, memory, onSettled }: BatchOptions,
  table: SpoolTable,
  rows: readonly SpooledRow[],
): Promise<Batch> {
  switch (table) {
    case 'ratings':
      return { table, rows, insert: (db) => insertRatings(db, organizationId, jsonOf(rows)) };
    case 'blocks':
      return { table, rows, insert: (db) => insertBlocks(db, organizationId, jsonOf(rows)) };
    case 'audit':
      return { table, rows, insert: (db) => insertSpooledEntries(db, organizationId, jsonOf(rows)) };
    case 'resources':
      return { table, rows, insert: (db) => insertOwnedResources(db, organizationId, jsonOf(rows)) };
    case 'pending':
      return { table, rows, insert: (db) => insertPendingCalls(db, organizationId, jsonOf(rows)) };
    case 'calls': {
      // Earlier versions wrote JSON.
      const former = rows.filter((row) => formOf(row) === 'json');
      const lines = former.length === 0 ? rows : rows.filter((row) => formOf(row) === 'lines');
      const batches = [await gather('lines', lines, memory)];
      if (former.length > 0) batches.push(await gather('json', former));
      return {
        table,
        rows,
        async insert(db) {
          for (const batch of batches) await insertNewRequests(db, organizationId, batch);
        },
      };
    }
    case 'settlements': {
      const batch = await gather('json', rows, memory);
      return {
        table,
        rows,
        async insert(db) {
          await insertRequests(db, organizationId, batch);
          const json = jsonOf(rows);
          const first = await markSettled(db, organizationId, json);
          if (first.size === 0) return;
          for (const record of JSON.parse(json) as RequestRecord[]) {
            if (first.delete(record.request_id)) onSettled?.(record);
          }
        },
      };
    }
  }
}

async function gather(form: BatchForm, rows: readonly SpooledRow[], memory?: BatchMemory) {
  const gatherer = gatherRequests(form, rows, memory);
  let slice: SpooledRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    slice.push(row);
    bytes += row.row.length + row.sealed.length;
    if (bytes < sliceBytes) continue;
    gatherer.add(slice);
    slice = [];
    bytes = 0;
    await setImmediate();
  }
  gatherer.add(slice);
  return gatherer.finish();
}

const jsonOf = (rows: readonly SpooledRow[]) => `[${rows.map(({ row }) => row.toString('utf8')).join(',')}]`;
