import type { Queryable } from './queryable.ts';

/** Somebody who was erased. */
export interface Erasure {
  /** In hexadecimal; `userDigest` of the user's id. */
  readonly userDigest: string;
  /** Who stands in late records instead. */
  readonly stranger: string;
  /** Milliseconds since 1970; what is later is of somebody new. */
  readonly erasedAtMs: number;
}

/** All that were ever erased in the organization. */
export async function listErasures(db: Queryable, organizationId: string): Promise<Erasure[]> {
  const { rows } = await db.query<Erasure>(
    `select encode(user_digest, 'hex') as "userDigest", stranger, extract(epoch from erased_at)::float8 * 1000 as "erasedAtMs"
     from chaperone.erased_users
     where organization_id = $1::uuid`,
    [organizationId],
  );
  return rows;
}
