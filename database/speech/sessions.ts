import type { Queryable } from '../queryable.ts';

/** A session by the id that clients know it by. Ids are the clients' own, so several users may have one of the same id. */
export interface SessionFilter {
  readonly organizationId: string;
  readonly sessionId: string;
  /** Null: the sessions of all users that have this id. */
  readonly userId: string | null;
}

/** The parameters `$1` to `$3` of a query that has `isOfSession`. */
export function valuesOf({ organizationId, sessionId, userId }: SessionFilter) {
  return [organizationId, sessionId, userId];
}

/** Selects the rows of a session, in any table that has its id and its user. */
export const isOfSession = `organization_id = $1::uuid and session_id = $2::text and ($3::uuid is null or user_id = $3::uuid)`;

/**
 * Finds whose session it is. Of several users with a session of this id, it is the preferred one, else the one who was
 * last in it.
 *
 * @returns undefined where nothing is known of such a session
 */
export async function findSessionUser(
  db: Queryable,
  filter: SessionFilter,
  preferred: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ userId: string }>(
    `select user_id as "userId"
     from (
       select user_id, started_at as at from chaperone.requests where ${isOfSession} and kind = 'call'
       union all
       select user_id, occurred_at from chaperone.session_costs where ${isOfSession}
       union all
       select user_id, closed_at from chaperone.session_turns where ${isOfSession}
       union all
       select user_id, started_at from chaperone.guardrail_blocks where ${isOfSession}
     ) known
     order by (user_id = $4::uuid) desc, at desc
     limit 1`,
    [...valuesOf(filter), preferred],
  );
  return rows[0]?.userId;
}

/** Makes the row of a user who has made no call yet. */
export async function noteUser(
  db: Queryable,
  organizationId: string,
  { userId, externalId }: { readonly userId: string; readonly externalId: string },
): Promise<void> {
  await db.query(
    `insert into chaperone.users (organization_id, user_id, external_id)
     select $1::uuid, $2::uuid, $3::text
     where not exists (select from chaperone.users where organization_id = $1::uuid and user_id = $2::uuid)
     on conflict do nothing`,
    [organizationId, userId, externalId],
  );
}
