import { gatherRequests, type RequestBatch } from '../../database/requests.ts';

/** Records as they are sent to Postgres. */
export function batchOf(records: readonly object[]): RequestBatch {
  const gatherer = gatherRequests();
  gatherer.add(records.map((record) => JSON.stringify(record)));
  return gatherer.finish();
}
