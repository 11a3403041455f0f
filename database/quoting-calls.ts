import { userDigest } from './ids.ts';
import type { Queryable } from './queryable.ts';

/**
 * Notes before a call is made that it says what this user has said, though it is another user's. So an erasure of the user
 * takes what was said in it, also where its record arrives later.
 */
export async function insertQuotingCall(
  db: Queryable,
  organizationId: string,
  { requestId, userId }: { readonly requestId: string; readonly userId: string },
): Promise<void> {
  await db.query(
    `insert into chaperone.quoting_calls (organization_id, request_id, user_digest)
     values ($1::uuid, $2::text, decode($3::text, 'hex'))
     on conflict do nothing`,
    [organizationId, requestId, userDigest(organizationId, userId)],
  );
}
