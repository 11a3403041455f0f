import type { Queryable } from '../queryable.ts';
import type { ChainedEntry, ChainHead } from './chain.ts';

/** Which entries are wanted. Null: all. */
export interface AuditFilter {
  /** ISO 8601 in UTC. The first moment. */
  readonly since: string | null;
  /** The moment after the last. */
  readonly until: string | null;
  readonly kind: string | null;
  /** Of refusals. */
  readonly code: string | null;
  /** A user's pseudonym, or the name of a field manager or of a requester. */
  readonly actor: string | null;
  /** Such as `Organization/acme`, or the beginning of one: `ApiKeyBinding/team/`. */
  readonly subject: string | null;
}

export const everyEntry: AuditFilter = {
  since: null,
  until: null,
  kind: null,
  code: null,
  actor: null,
  subject: null,
};

const matching = `from chaperone.audit_log l, lateral (select l.entry::jsonb as fields) f
  where organization_id = $1::uuid
    and ($2::text is null or (l.entry::jsonb ->> 'at') collate "C" >= $2::text)
    and ($3::text is null or (l.entry::jsonb ->> 'at') collate "C" < $3::text)
    and ($4::text is null or fields ->> 'kind' = $4::text)
    and ($5::text is null or fields ->> 'code' = $5::text)
    and ($6::text is null or fields #>> '{actor,user}' = $6::text
      or fields #> '{actor,managers}' @> jsonb_build_array(jsonb_build_object('manager', $6::text))
      or fields #> '{actor,requesters}' @> jsonb_build_array(jsonb_build_object('user', $6::text)))
    and ($7::text is null or fields ->> 'subject' = $7::text
      or right($7::text, 1) = '/' and starts_with(fields ->> 'subject', $7::text))`;

/** Lists a page of entries, the newest first, with the total count. */
export async function listAudit(
  db: Queryable,
  organizationId: string,
  filter: AuditFilter,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly entries: ChainedEntry[]; readonly total: number }> {
  const { since, until, kind, code, actor, subject } = filter;
  const values = [organizationId, since, until, kind, code, actor, subject];
  const { rows: entries } = await db.query<ChainedEntry>(
    `select seq::float8 as seq, entry, hash ${matching} order by l.seq desc limit $8::integer offset $9::integer`,
    [...values, limit, offset],
  );
  const { rows } = await db.query<{ total: number }>(`select count(*)::integer as total ${matching}`, values);
  return { entries, total: rows[0]?.total ?? 0 };
}

/** Reads entries in their order. @param after the number of the last one that is known */
export async function readChain(
  db: Queryable,
  organizationId: string,
  after: number,
  limit: number,
): Promise<ChainedEntry[]> {
  const { rows } = await db.query<ChainedEntry>(
    `select seq::float8 as seq, entry, hash
     from chaperone.audit_log
     where organization_id = $1::uuid and seq > $2::bigint
     order by audit_log.seq
     limit $3::integer`,
    [organizationId, after, limit],
  );
  return rows;
}

/** The head of an organization's log, with the time of its last entry. */
export interface StoredHead extends ChainHead {
  readonly appendedAt: Date;
}

/** Reads the heads of organizations by id. An organization without entries has none. */
export async function readHeads(db: Queryable, organizationIds: readonly string[]): Promise<Map<string, StoredHead>> {
  const { rows } = await db.query<StoredHead & { organizationId: string }>(
    `select organization_id as "organizationId", seq::float8 as seq, hash, appended_at as "appendedAt"
     from chaperone.audit_chains
     where organization_id = any($1::uuid[]) and seq > 0`,
    [organizationIds],
  );
  return new Map(rows.map(({ organizationId, ...head }) => [organizationId, head]));
}

/** Reads who these pseudonyms are. Those of erased users are left out. */
export async function readPeople(
  db: Queryable,
  organizationId: string,
  people: readonly string[],
): Promise<Map<string, string>> {
  if (people.length === 0) return new Map();
  const { rows } = await db.query<{ person: string; externalId: string }>(
    `select person, external_id as "externalId"
     from chaperone.audit_people
     where organization_id = $1::uuid and person = any($2::text[])`,
    [organizationId, people],
  );
  return new Map(rows.map(({ person, externalId }) => [person, externalId]));
}
