import type { Queryable } from '../queryable.ts';
import type { ResourceEntry } from './entry.ts';
import { withPseudonyms } from './pseudonyms.ts';

/** What the log has of a resource, without its spec. */
export interface RecordedResource {
  readonly uid: string;
  readonly generation: number;
  readonly fingerprint: string | null;
  readonly revision: number;
}

/** A resource as it is now. Users in its spec are `NamedUser`. */
export interface ResourceState {
  readonly uid: string;
  readonly generation: number;
  /** Of the provider key of a binding. */
  readonly fingerprint: string | null;
  readonly spec: unknown;
}

/** Reads what an organization's log has of its resources, by subject. */
export async function readRecordedResources(
  db: Queryable,
  organizationId: string,
): Promise<Map<string, RecordedResource>> {
  const { rows } = await db.query<RecordedResource & { subject: string }>(
    `select subject, uid, generation::float8 as generation, fingerprint, revision::float8 as revision
     from chaperone.audit_resources
     where organization_id = $1::uuid`,
    [organizationId],
  );
  return new Map(rows.map(({ subject, ...recorded }) => [subject, recorded]));
}

/** Reads the spec that was recorded last of each of these resources, by subject. Users are named by pseudonyms. */
export async function readRecordedSpecs(
  db: Queryable,
  organizationId: string,
  subjects: readonly string[],
): Promise<Map<string, unknown>> {
  const { rows } = await db.query<{ subject: string; spec: unknown }>(
    `select subject, spec
     from chaperone.audit_resources
     where organization_id = $1::uuid and subject = any($2::text[])`,
    [organizationId, subjects],
  );
  return new Map(rows.map(({ subject, spec }) => [subject, spec]));
}

/** A change of a resource to record. */
export interface ResourceChange {
  readonly subject: string;
  readonly entry: ResourceEntry;
  /** The revision that was recorded last. Null: none. */
  readonly former: number | null;
  /** Null: the resource is gone. */
  readonly state: ResourceState | null;
}

/**
 * Appends the entries of changes. One that another operator has recorded meanwhile is left out.
 *
 * @param changes with pseudonyms in place of users
 * @returns whether all of them are recorded by this
 */
export async function insertResourceChanges(
  db: Queryable,
  organizationId: string,
  changes: readonly ResourceChange[],
): Promise<boolean> {
  const { rows } = await db.query<{ recorded: boolean }>(
    `select chaperone.record_audit_change($1::uuid, c.entry, c.subject, c.former, nullif(c.state, 'null')) as recorded
     from jsonb_to_recordset($2::jsonb) as c (entry jsonb, subject text, former bigint, state jsonb)`,
    [organizationId, JSON.stringify(changes)],
  );
  return rows.every(({ recorded }) => recorded);
}

/** Replaces the users in what is to be recorded of resources by their pseudonyms. */
export async function withPeople<T>(
  db: Queryable,
  organizationId: string,
  values: readonly T[],
  at: string,
): Promise<T[]> {
  const named = values.map((value) => ({ at, value }));
  return withPseudonyms(db, 'owner', organizationId, named);
}
