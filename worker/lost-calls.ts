import { insertRequests } from '../database/insert-requests.ts';
import { takeLostCalls } from '../database/job-intents.ts';
import { gatherRequests } from '../database/request-batches.ts';
import { lineOf } from '../database/request-lines.ts';
import { inTransaction } from '../database/transaction.ts';
import { interruptedOf } from '../proxy/spool/interrupted.ts';
import type { WorkerOrganization } from './organizations.ts';

const noContents = Buffer.alloc(0);

/**
 * Settles calls whose worker has not come back, as a proxy settles what it finds in its spool after it was killed. The record
 * has the id of the call. So where the worker's own spool comes back even later, the record that arrives first stays, and
 * limits and budgets count it once.
 *
 * @throws {ProxyError} `store_unavailable`
 */
export async function settleLostCalls({
  id,
  store,
  settlement,
}: Pick<WorkerOrganization, 'id' | 'store' | 'settlement'>): Promise<void> {
  const records = await store.run((db) =>
    inTransaction(db, async () => {
      const lost = (await takeLostCalls(db)).map(interruptedOf);
      const rows = lost.map((record) => ({ row: Buffer.from(lineOf(record)), sealed: noContents }));
      const batch = gatherRequests('lines', rows);
      batch.add(rows);
      if (rows.length > 0) await insertRequests(db, id, batch.finish());
      return lost;
    }),
  );
  for (const record of records) settlement.recovered(record);
}
