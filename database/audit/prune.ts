import type { Queryable } from '../queryable.ts';
import type { ChainHead } from './chain.ts';

/**
 * Removes the oldest entries of an organization's audit log: those that were recorded before a time, 10,000 at most, and
 * none before the oldest is a day older than that, so that there is one cut a day.
 *
 * @param db the owner's connection
 * @returns how many were removed
 */
export async function pruneAudit(db: Queryable, organizationId: string, before: Date): Promise<number> {
  const { rows } = await db.query<{ removed: number }>(
    'select chaperone.prune_audit($1::uuid, $2::timestamptz) as removed',
    [organizationId, before],
  );
  return rows[0]?.removed ?? 0;
}

/** The last entry that was removed. Undefined: none was. */
export async function readCheckpoint(db: Queryable, organizationId: string): Promise<ChainHead | undefined> {
  const { rows } = await db.query<ChainHead>(
    'select seq::float8 as seq, hash from chaperone.audit_checkpoints where organization_id = $1::uuid',
    [organizationId],
  );
  return rows[0];
}
