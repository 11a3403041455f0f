import { gatherRequests, type RequestBatch } from '../../database/requests.ts';

/**
 * Records as they are sent to Postgres.
 *
 * @param sealed the contents of each record; by default none has any
 */
export function batchOf<Item extends object>(
  records: readonly Item[],
  sealed: (record: Item) => string = () => '',
): RequestBatch {
  const rows = records.map((record) => ({
    row: Buffer.from(JSON.stringify(record)),
    sealed: Buffer.from(sealed(record)),
  }));
  const gatherer = gatherRequests(rows);
  gatherer.add(rows);
  return gatherer.finish();
}
