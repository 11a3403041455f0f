import { tellLive } from '../../../../database/live-events.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import { insertReviewDecision, readReviewDecisions } from '../../../../database/reviews/decisions.ts';
import type { ReviewItemRow } from '../../../../database/reviews/items.ts';
import { noteUser } from '../../../../database/speech/sessions.ts';
import { emitEvent } from '../../../../database/webhook-events.ts';
import type { Caller } from '../../../calls/call.ts';
import { recorded } from '../../recorded.ts';
import { admitRole } from '../../roles.ts';
import { alreadyDecided, requireOpen } from './claim.ts';
import { lockReviewItem, type ReviewContext } from './items.ts';
import { outcomeOf } from './outcome.ts';
import { requireUser } from './queue.ts';
import { sealReview } from './sealing.ts';

/** What a reviewer decides. */
export interface GivenDecision {
  readonly itemId: string;
  readonly approved: boolean;
  readonly feedback: string | undefined;
  /** The answer as it should be. Undefined: it stays as it is. */
  readonly modifiedResponse: string | undefined;
}

export interface DecidedReview {
  readonly itemId: string;
  /** `queued`: another reviewer must decide, too. */
  readonly status: 'queued' | 'reviewed';
  readonly approved: boolean | null;
  /** The guardrail that holds the answer. Null: none. */
  readonly guardrail: string | null;
  readonly reviewer: string;
  readonly decidedAt: Date;
}

/**
 * Stores what a reviewer decides about an item that nobody else has claimed. The claim ends.
 *
 * @throws {ProxyError} `role_required`, `user_required`, `review_item_not_found`, `review_item_claimed`,
 * `review_item_decided`, `store_unavailable`
 */
export async function decideReview(
  context: ReviewContext,
  caller: Caller,
  given: GivenDecision,
): Promise<DecidedReview> {
  admitRole(caller, 'reviewer');
  const { itemId, approved } = given;
  return recorded(
    context,
    caller,
    (db) => storeDecision(db, context, caller, given),
    ({ status, guardrail }) => ({
      ...{ action: 'changed', subject: `ReviewItem/${itemId}` },
      changes: [
        { field: 'review.approved', after: approved },
        { field: 'review.edited', after: given.modifiedResponse !== undefined },
        ...(guardrail === null ? [] : [{ field: 'review.guardrail', after: guardrail }]),
        { field: 'review.status', before: 'queued', after: status },
      ],
    }),
  );
}

async function storeDecision(
  db: Queryable,
  { inForce }: ReviewContext,
  caller: Caller,
  { itemId, approved, feedback, modifiedResponse }: GivenDecision,
): Promise<DecidedReview> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const { user, userId } = requireUser(caller);
  const item = await lockReviewItem(db, organizationId, itemId);
  requireOpen(item, caller);
  const before = (await readReviewDecisions(db, organizationId, [itemId])).get(itemId) ?? [];
  if (before.some(({ reviewerId }) => reviewerId === userId)) throw alreadyDecided();
  await noteUser(db, organizationId, { userId, externalId: user });
  const outcome = outcomeOf([...before.map((one) => one.approved), approved], item.reviewsNeeded);
  const number = before.length + 1;
  const said = { feedback, modified_response: modifiedResponse };
  const contentsSealed = sealReview(envelope, organizationId, 'review_decisions.contents', `${itemId}/${number}`, said);
  const isReviewed = outcome !== undefined;
  const edited = item.edited || (approved && modifiedResponse !== undefined);
  const decidedAt = await insertReviewDecision(
    db,
    organizationId,
    itemId,
    { number, reviewerId: userId, approved, contentsSealed },
    { isReviewed, approved: outcome ?? null, edited },
  );
  if (isReviewed) await tellDecided(db, item, outcome, edited);
  const { category, priority } = item;
  const status = isReviewed ? 'reviewed' : 'queued';
  await tellLive(db, 'queue_update', { action: 'decided', item_id: itemId, status, category, priority });
  return { itemId, status, approved: outcome ?? null, guardrail: item.guardrail, reviewer: user, decidedAt };
}

async function tellDecided(db: Queryable, item: ReviewItemRow, approved: boolean, edited: boolean): Promise<void> {
  const { itemId, category, priority, source, responseId, aboutUserId: userId } = item;
  const about = { item_id: itemId, category, priority, source, response_id: responseId };
  const data = { ...about, approved, edited, expired: false };
  await emitEvent(db, { type: 'review.decided', subject: `review/${itemId}`, userId, data });
}
