import { statementName } from './client.ts';
import type { Queryable } from './queryable.ts';
import type { RequestRecord } from './requests.ts';

/** What limits and budgets count of a pending call. */
export interface PendingQuota {
  /**
   * As `RequestRecord.quota`, with upper bounds. A count whose unit is -1 is final: failed attempts with another key have
   * cost that much.
   */
  readonly quota?: string;
  /**
   * What failed attempts had cost before a counter was concerned, in 10^-9 dollars: each counter and its amount, all with
   * commas between them. Absent: nothing.
   */
  readonly quota_before?: string;
}

/**
 * A call that the provider still works on after its answer: the record so far, with the provider's id and the input.
 * Any proxy may settle it, also one of an earlier version.
 */
export type PendingCall = RequestRecord &
  PendingQuota & {
    response_id: string;
    /** Base64 of the sealed input. Null where it is not stored, or was erased. */
    input_sealed: string | null;
    output_sealed: null;
    /** False where guardrails are about the answer, so that the contents are not stored. */
    keeps_contents?: boolean;
  };

/**
 * Stores a batch of pending calls. A call that is already stored, settled or not, stays as it is.
 *
 * @param recordsJson a JSON array of PendingCall, as text
 */
export async function insertPendingCalls(db: Queryable, organizationId: string, recordsJson: string): Promise<void> {
  await db.query({
    name: statementName(db, 'insert-pending-calls'),
    text: `
      insert into chaperone.pending_calls (organization_id, request_id, started_at, response_id, record, quota)
      select $1::uuid, call ->> 'request_id', (call ->> 'started_at')::timestamptz, call ->> 'response_id', call,
        string_to_array(call ->> 'quota', ',')::bigint[]
      from json_array_elements($2::json) as given (call)
      on conflict do nothing`,
    values: [organizationId, recordsJson],
  });
}

/** Finds a pending call by the provider's id. Undefined where there is none, or where it is settled. */
export async function findPendingCall(
  db: Queryable,
  organizationId: string,
  responseId: string,
): Promise<PendingCall | undefined> {
  const { rows } = await db.query<{ record: PendingCall }>(
    `select record
     from chaperone.pending_calls
     where organization_id = $1::uuid and response_id = $2::text and settled_at is null`,
    [organizationId, responseId],
  );
  return rows[0]?.record;
}

/** Which pending calls a proxy can poll. */
export interface PendingScope {
  /** The provider keys that the proxy has: a provider shows a call only to the key that made it. */
  readonly apiKeyIds: readonly string[];
  /** The age at which a call is given up. That needs no key. */
  readonly giveUpMs: number;
}

/**
 * Claims up to `limit` calls that are due. A claimed call is this proxy's until it is due again: after half its age, at
 * least 2 seconds and at most a minute. So the end of a short call is seen soon, and a long call is polled rarely.
 */
export async function claimPendingCalls(
  db: Queryable,
  organizationId: string,
  { apiKeyIds, giveUpMs }: PendingScope,
  limit: number,
): Promise<PendingCall[]> {
  const { rows } = await db.query<{ record: PendingCall }>(
    `update chaperone.pending_calls
     set next_look_at = now() + least(interval '1 minute', greatest(interval '2 seconds', (now() - started_at) / 2))
     where organization_id = $1::uuid and request_id in (
       select request_id
       from chaperone.pending_calls
       where organization_id = $1::uuid and settled_at is null and next_look_at <= now()
         and (record ->> 'api_key_id' = any($3::text[]) or started_at < now() - $4::float8 * interval '1 ms')
       order by next_look_at
       limit $2::integer
       for update skip locked)
     returning record`,
    [organizationId, limit, apiKeyIds, giveUpMs],
  );
  return rows.map((row) => row.record);
}

/** Milliseconds until the next of these calls is due. Undefined where none is pending. */
export async function nextCheckInMs(
  db: Queryable,
  organizationId: string,
  { apiKeyIds, giveUpMs }: PendingScope,
): Promise<number | undefined> {
  const { rows } = await db.query<{ ms: number | null }>(
    `select (extract(epoch from min(next_look_at) - now()) * 1000)::float8 as ms
     from chaperone.pending_calls
     where organization_id = $1::uuid and settled_at is null
       and (record ->> 'api_key_id' = any($2::text[]) or started_at < now() - $3::float8 * interval '1 ms')`,
    [organizationId, apiKeyIds, giveUpMs],
  );
  return rows[0]?.ms ?? undefined;
}

/**
 * Marks calls as settled. Their records must already be in `requests`.
 *
 * @param recordsJson a JSON array of RequestRecord, as text
 * @returns the request ids that were not marked before
 */
export async function markSettled(db: Queryable, organizationId: string, recordsJson: string): Promise<Set<string>> {
  const { rows } = await db.query<{ request_id: string }>({
    name: statementName(db, 'mark-settled'),
    text: `
      update chaperone.pending_calls
      set settled_at = now(), record = null
      where organization_id = $1::uuid and settled_at is null and request_id in (
        select call ->> 'request_id' from json_array_elements($2::json) as given (call))
      returning request_id`,
    values: [organizationId, recordsJson],
  });
  return new Set(rows.map((row) => row.request_id));
}
