import { insertRequests } from '../database/insert-requests.ts';
import { takeLostCalls } from '../database/job-intents.ts';
import type { Queryable } from '../database/queryable.ts';
import { gatherRequests, type RequestRow } from '../database/request-batches.ts';
import { lineOf } from '../database/request-lines.ts';
import type { RequestRecord } from '../database/requests.ts';
import { inSavepoint, inTransaction } from '../database/transaction.ts';
import { isRefusal } from '../proxy/spool/insert-batch.ts';
import { interruptedOf } from '../proxy/spool/interrupted.ts';
import type { WorkerOrganization } from './organizations.ts';

const noContents = Buffer.alloc(0);

/**
 * Settles calls whose worker has not come back, as a proxy settles what it finds in its spool after it was killed. The record
 * has the id of the call. So where the worker's own spool comes back even later, the record that arrives first stays, and
 * limits and budgets count it once. A record that PostgreSQL refuses is set aside beside this worker's spool, and the others
 * go on.
 *
 * @throws {ProxyError} `store_unavailable`
 */
export async function settleLostCalls({ id, store, settlement, shipper }: LostCallsOptions): Promise<void> {
  const settled = await store.run((db) =>
    inTransaction(db, async () => {
      const stored: RequestRecord[] = [];
      const refused: { readonly row: RequestRow; readonly error: Error }[] = [];
      for (const record of (await takeLostCalls(db)).map(interruptedOf)) {
        const row = { row: Buffer.from(lineOf(record)), sealed: noContents };
        const error = await storeOne(db, id, row);
        if (error) refused.push({ row, error });
        else stored.push(record);
      }
      // Before the intents are gone for good.
      for (const { row, error } of refused) shipper.setAside('calls', row, error);
      return stored;
    }),
  );
  for (const record of settled) settlement.recovered(record);
}

type LostCallsOptions = Pick<WorkerOrganization, 'id'> & {
  readonly store: Pick<WorkerOrganization['store'], 'run'>;
  readonly settlement: Pick<WorkerOrganization['settlement'], 'recovered'>;
  readonly shipper: Pick<WorkerOrganization['shipper'], 'setAside'>;
};

/** @returns why PostgreSQL will never accept the record; undefined: it is stored */
async function storeOne(db: Queryable, organizationId: string, row: RequestRow): Promise<Error | undefined> {
  const batch = gatherRequests('lines', [row]);
  batch.add([row]);
  try {
    await inSavepoint(db, () => insertRequests(db, organizationId, batch.finish()));
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}
