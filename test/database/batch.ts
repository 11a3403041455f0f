import { type BatchForm, gatherRequests, type RequestBatch } from '../../database/request-batches.ts';
import { lineOf } from '../../database/request-lines.ts';
import type { RequestRecord } from '../../database/requests.ts';

/**
 * Records as they are sent to Postgres.
 *
 * @param sealed the contents of each record; by default none has any
 */
export function batchOf(
  records: readonly RequestRecord[],
  sealed: (record: RequestRecord) => string = () => '',
  form: BatchForm = 'lines',
): RequestBatch {
  const write = form === 'lines' ? lineOf : JSON.stringify;
  const rows = records.map((record) => ({ row: Buffer.from(write(record)), sealed: Buffer.from(sealed(record)) }));
  const gatherer = gatherRequests(form, rows);
  gatherer.add(rows);
  return gatherer.finish();
}
