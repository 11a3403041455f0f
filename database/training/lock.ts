import type { Queryable } from '../queryable.ts';

/** Lets one transaction at a time add to what an organization trains and serves, so that its quotas hold. */
export async function lockTraining(db: Queryable, organizationId: string): Promise<void> {
  await db.query(`select pg_advisory_xact_lock(hashtextextended('training/' || $1::text, 0))`, [organizationId]);
}
