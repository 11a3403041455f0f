import type { Queryable } from '../queryable.ts';
import { findReviewItem, type ReviewItemRow } from './items.ts';

/** Finds the item of a user's response that a guardrail holds, or has held. Undefined: none has. */
export async function findHeldResponse(
  db: Queryable,
  organizationId: string,
  { responseId, userId }: { readonly responseId: string; readonly userId: string },
): Promise<ReviewItemRow | undefined> {
  const { rows } = await db.query<{ itemId: string }>(
    `select item_id as "itemId" from chaperone.review_items
     where organization_id = $1::uuid and user_id = $2::uuid and response_id = $3::text`,
    [organizationId, userId, responseId],
  );
  return rows[0] && findReviewItem(db, organizationId, rows[0].itemId);
}

/** Waits until no other transaction holds this response. */
export async function lockResponse(db: Queryable, organizationId: string, responseId: string): Promise<void> {
  await db.query('select chaperone.lock_subject($1::uuid, $2::text)', [organizationId, `held/${responseId}`]);
}

/** Few, since an organization's proxies wait for each other's events meanwhile. */
const itemsOfStep = 100;

/**
 * Rejects the held answers that nobody has decided about in time, and tells webhooks and those who watch.
 *
 * @param db the owner's connection, or a worker's
 * @param onExpired called after each step with how many it has rejected
 */
export async function expireHeldAnswers(db: Queryable, onExpired: (items: number) => void): Promise<void> {
  for (let expired = itemsOfStep; expired >= itemsOfStep; ) {
    const { rows } = await db.query<{ expired: number }>(
      'select chaperone.expire_held_answers($1::integer) as expired',
      [itemsOfStep],
    );
    expired = rows[0]?.expired ?? 0;
    if (expired > 0) onExpired(expired);
  }
}
