import type { Queryable } from './queryable.ts';

/** A user who was erased. */
export interface Erasure {
  /** `userDigest` of the user's id, in hexadecimal. */
  readonly userDigest: string;
  /** The anonymous user id that late records get instead. */
  readonly stranger: string;
  /** Milliseconds since 1970. Records from after this time belong to a new user. */
  readonly erasedAtMs: number;
}

/** Lists all erasures of the organization. */
export async function listErasures(db: Queryable, organizationId: string): Promise<Erasure[]> {
  const { rows } = await db.query<Erasure>(
    `select encode(user_digest, 'hex') as "userDigest", stranger, extract(epoch from erased_at)::float8 * 1000 as "erasedAtMs"
     from chaperone.erased_users
     where organization_id = $1::uuid`,
    [organizationId],
  );
  return rows;
}
