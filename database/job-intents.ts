import type { Queryable } from './queryable.ts';
import type { RequestRecord } from './requests.ts';

/** The intent of a call that a job makes. */
export interface JobIntent {
  readonly jobId: string;
  /** The worker that makes the call, as it tells that it is alive. */
  readonly workerId: string;
  /** What becomes the record where the worker ends in the middle of the call. */
  readonly record: RequestRecord;
}

/** Keeps an intent, or replaces it by what is known now. */
export async function keepJobIntent(db: Queryable, organizationId: string, intent: JobIntent): Promise<void> {
  const { jobId, workerId, record } = intent;
  await db.query(
    `insert into chaperone.job_intents (organization_id, request_id, started_at, job_id, worker_id, record)
     values ($1::uuid, $2::text, $3::timestamptz, $4::bigint, $5::text, $6::json)
     on conflict (organization_id, request_id) do update set record = excluded.record`,
    [organizationId, record.request_id, record.started_at, jobId, workerId, JSON.stringify(record)],
  );
}

/**
 * Takes the intents of calls whose worker has not come back for ten minutes, and that have no record. Store the records in the
 * same transaction.
 */
export async function takeLostCalls(db: Queryable): Promise<RequestRecord[]> {
  const { rows } = await db.query<{ record: RequestRecord }>(
    'select record from chaperone.take_lost_calls(null) as record',
  );
  return rows.map(({ record }) => record);
}

/**
 * Forgets the intents of calls that have a record, and adds a job `settle-calls` for each organization with calls whose
 * worker has not come back for ten minutes.
 *
 * @param db a worker's connection
 */
export async function lookForLostCalls(db: Queryable): Promise<void> {
  await db.query('select chaperone.look_for_lost_calls()');
}
