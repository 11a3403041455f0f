import { DatabaseError } from 'pg';
import { type ByteStatement, runWithBytes } from './insert-bytes.ts';
import type { Queryable } from './queryable.ts';
import type { BatchForm, RequestBatch } from './request-batches.ts';
import { requestColumnDefinitions, requestColumnNames } from './request-columns.ts';
import { lineFields, otherColumns } from './request-lines.ts';

/**
 * Stores a batch of records with their users, in one statement. A trigger adds new records to their sessions and to the
 * sums of analytics. A record that is already stored stays as it is, so a batch whose outcome is unknown may be sent
 * again. For a user who has been erased, neither name nor contents are stored; the trigger moves the records to an
 * anonymous user. The same statement adds to `quota_leases` what limits and budgets count of new records, so each record
 * counts once.
 */
export async function insertRequests(db: Queryable, organizationId: string, batch: RequestBatch): Promise<void> {
  await store(db, organizationId, batch, true);
}

/**
 * Does the same for records of which hardly ever one is stored already: PostgreSQL does not look for each of them before
 * it stores it. Where one is there all the same, nothing of this attempt stays.
 *
 * @param db not in a transaction, which a stored record would end
 */
export async function insertNewRequests(db: Queryable, organizationId: string, batch: RequestBatch): Promise<void> {
  try {
    await store(db, organizationId, batch, false);
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    await insertRequests(db, organizationId, batch);
  }
}

/** `unique_violation` */
function isDuplicate(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '23505';
}

function store(
  db: Queryable,
  organizationId: string,
  { form, records, contents, hasQuota }: RequestBatch,
  mayBeStored: boolean,
): Promise<void> {
  const statement = statementOf(form, hasQuota, mayBeStored);
  const values = [organizationId, form === 'lines' ? { text: records } : records, contents];
  return runWithBytes(db, { ...statement, values });
}

const statements = new Map<string, Pick<ByteStatement, 'name' | 'text'>>();

/** Most proxies need one or two of them. */
function statementOf(form: BatchForm, hasQuota: boolean, mayBeStored: boolean) {
  const name = `insert-${form}${hasQuota ? '-with-quota' : ''}${mayBeStored ? '-unless-stored' : ''}`;
  const known = statements.get(name);
  if (known) return known;
  const made = { name, text: makeStatement(form, hasQuota, mayBeStored ? 'on conflict do nothing' : '') };
  statements.set(name, made);
  return made;
}

const definitions = (columns: typeof otherColumns) => columns.map(([name, { type }]) => `${name} ${type}`).join(', ');

/** The records of a batch, as rows. */
const sources: Readonly<Record<BatchForm, string>> = {
  lines: `
    select ${lineFields.map((name) => `l.${name}`).join(', ')}, ${otherColumns.map(([name]) => `o.${name}`).join(', ')},
      l.quota, l.contents_at, l.contents_length
    from unnest($2::chaperone.request_line[]) as l
      left join lateral json_to_record(l.others) as o (${definitions(otherColumns)}) on l.others is not null`,
  json: `
    select * from json_to_recordset($2::json) as r (
      ${requestColumnDefinitions}, user_external_id text, quota text, contents_at integer, contents_length integer)`,
};

/** @param onConflict what is done about a record that is stored already */
function makeStatement(form: BatchForm, hasQuota: boolean, onConflict: string): string {
  const parts = `
    with record as materialized (${sources[form]}
    ), late as materialized (
      select r.request_id
      from record r
        join chaperone.erased_users e
          on e.organization_id = $1::uuid and e.erased_at > r.started_at
            and e.user_digest = chaperone.user_digest($1::uuid, r.user_id)
      where exists (
        select from chaperone.erased_users e
        where e.organization_id = $1::uuid and e.erased_at > (select min(started_at) from record))
    ), new_users as (
      insert into chaperone.users (organization_id, user_id, external_id)
      select $1::uuid, r.user_id, r.user_external_id
      from (
        select distinct on (user_id) user_id, user_external_id
        from record
        where user_external_id is not null and request_id not in (select l.request_id from late l)
        order by user_id
      ) r
      where not exists (select from chaperone.users u where u.organization_id = $1::uuid and u.user_id = r.user_id)
      order by r.user_id
      on conflict do nothing
    ), contents as (
      insert into chaperone.request_contents (organization_id, request_id, started_at, contents_encrypted)
      select $1::uuid, request_id, started_at, substring($3::bytea from contents_at for contents_length)
      from (
        select * from record
        where contents_at is not null and request_id not in (select l.request_id from late l)
        order by started_at, request_id
      ) r
      ${onConflict}
    )`;
  const insert = `
    insert into chaperone.requests (organization_id, ${requestColumnNames})
    select $1::uuid, ${requestColumnNames}
    from record
    order by started_at, request_id
    ${onConflict}`;
  if (!hasQuota) return `${parts} ${insert}`;
  return `${parts}, stored as (${insert}
      returning request_id
    )
    select chaperone.settle_quota(string_agg(r.quota, ','))
    from record r
    where r.request_id in (select s.request_id from stored s)
    having count(r.quota) > 0`;
}
