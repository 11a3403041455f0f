// What tells that something has changed, for those who watch. Each query is made every second or so, so each is cheap.

import type { Queryable } from './queryable.ts';

/** A call that was recorded, and whose it is. */
export interface RecordedMark {
  readonly requestId: string;
  readonly userId: string;
}

/** Lists the calls that began last. */
export async function readLatestCalls(db: Queryable, organizationId: string, limit: number): Promise<RecordedMark[]> {
  const { rows } = await db.query<RecordedMark>(
    `select request_id as "requestId", user_id as "userId" from chaperone.requests
     where organization_id = $1::uuid order by started_at desc, request_id desc limit $2::integer`,
    [organizationId, limit],
  );
  return rows;
}

/** The number of the last entry of the audit log; 0: there is none. */
export async function readLastAuditNumber(db: Queryable, organizationId: string): Promise<number> {
  const { rows } = await db.query<{ seq: number }>(
    'select coalesce(max(seq), 0)::float8 as seq from chaperone.audit_log where organization_id = $1::uuid',
    [organizationId],
  );
  return rows[0]?.seq ?? 0;
}

/** A digest of the webhooks, and of the latest 100 deliveries of each. */
export async function readDeliveriesMark(db: Queryable, organizationId: string): Promise<string> {
  const { rows } = await db.query<{ mark: string }>(
    `select md5(coalesce(string_agg(w::text || coalesce(d.mark, ''), ',' order by w.webhook_id), '')) as mark
     from chaperone.webhooks w left join lateral (
       select string_agg(sent.state || sent.attempts, ',' order by sent.sequence) || max(sent.sequence) as mark
       from (
         select state, attempts, sequence from chaperone.webhook_deliveries
         where organization_id = w.organization_id and webhook_id = w.webhook_id order by sequence desc limit 100
       ) sent
     ) d on true
     where w.organization_id = $1::uuid`,
    [organizationId],
  );
  return rows[0]?.mark ?? '';
}

/** A digest of the first 1,000 jobs that are not done, of the organization whose login `db` has. */
export async function readJobsMark(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ mark: string }>(
    `select md5(coalesce(string_agg(j::text, ',' order by j.job_id), '')) as mark
     from chaperone.list_jobs(null::text, 1000, 0) j`,
  );
  return rows[0]?.mark ?? '';
}
