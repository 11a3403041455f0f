import { randomHex, userIdOf } from '../../../../database/ids.ts';
import { tellLive } from '../../../../database/live-events.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import {
  type Hold,
  insertReviewItem,
  type ReviewSource,
  readQueueHistory,
} from '../../../../database/reviews/items.ts';
import { noteUser } from '../../../../database/speech/sessions.ts';
import { emitEvent } from '../../../../database/webhook-events.ts';
import type { Caller } from '../../../calls/call.ts';
import { isUserId } from '../../../calls/identify/user-id.ts';
import { ProxyError } from '../../../error.ts';
import { asString } from '../../../providers/json.ts';
import type { GovernanceInForce } from '../../context.ts';
import { recorded } from '../../recorded.ts';
import { estimateReviewTime } from './estimate.ts';
import type { ReviewContext } from './items.ts';
import { sealReview } from './sealing.ts';
import { reviewSettings } from './settings.ts';

/** An answer that people are to review. */
export interface AnswerToReview {
  readonly query: string;
  readonly response: string;
  readonly category: string;
  readonly priority: number;
  /** `customer_id` says whose words they are. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Whether two reviewers must agree. Undefined: as the organization says. */
  readonly doubleReview?: boolean | undefined;
}

export interface QueuedItem {
  readonly itemId: string;
  readonly estimatedAt: Date;
}

/** The priority of what states none. */
export const usualPriority = 3;

/**
 * Queues an answer for review. Everybody may.
 *
 * @throws {ProxyError} `contents_not_stored`, `store_unavailable`
 */
export async function queueForReview(
  context: ReviewContext,
  caller: Caller,
  asked: AnswerToReview,
  source: ReviewSource = 'api',
  hold?: Hold,
): Promise<QueuedItem> {
  const inForce = context.inForce();
  return recorded(
    context,
    caller,
    (db) => insertForReview(db, inForce, caller, asked, source, hold),
    ({ itemId }) => ({
      ...{ action: 'created', subject: `ReviewItem/${itemId}` },
      changes: [
        { field: 'review.category', after: asked.category },
        { field: 'review.priority', after: asked.priority },
        { field: 'review.source', after: source },
        ...(hold ? [{ field: 'review.guardrail', after: hold.guardrail }] : []),
      ],
    }),
  );
}

/** Somebody with a name. */
export type NamedCaller = Pick<Caller, 'userId'> & { readonly user: string };

/** @throws {ProxyError} `user_required` */
export function requireUser({ user, userId }: Pick<Caller, 'user' | 'userId'>): NamedCaller {
  if (user === undefined) throw new ProxyError('user_required', { param: 'X-User-ID' });
  return { user, userId };
}

/** Queues an answer within a transaction. @param hold absent: nothing holds the answer @throws {ProxyError} `contents_not_stored` */
export async function insertForReview(
  db: Queryable,
  { snapshot, envelope }: GovernanceInForce,
  { user, userId }: Pick<Caller, 'user' | 'userId'>,
  asked: AnswerToReview,
  source: ReviewSource,
  hold?: Hold,
): Promise<QueuedItem> {
  const { organizationId, storesContents } = snapshot;
  if (!storesContents) {
    const message =
      'The organization stores no contents (storage.contents is None), so nobody could read what is to be reviewed';
    throw new ProxyError('contents_not_stored', { message });
  }
  const { query, response, category, priority, metadata } = asked;
  const settings = reviewSettings(snapshot);
  const itemId = `rev-${randomHex(12)}`;
  const customer = customerOf(metadata);
  const aboutUserId = customer === undefined ? userId : userIdOf(organizationId, customer);
  if (user !== undefined) await noteUser(db, organizationId, { userId, externalId: user });
  if (customer !== undefined) await noteUser(db, organizationId, { userId: aboutUserId, externalId: customer });
  const history = await readQueueHistory(db, organizationId, priority);
  const createdAt = await insertReviewItem(
    db,
    organizationId,
    {
      ...{ itemId, userId, aboutUserId, source, category, priority },
      contentsSealed: sealReview(envelope, organizationId, 'review_items.contents', itemId, {
        ...{ query, response, metadata },
      }),
      reviewsNeeded: (asked.doubleReview ?? isForTwo(category, settings.doubleReview)) ? 2 : 1,
    },
    hold,
  );
  const data = { item_id: itemId, category, priority, source, response_id: hold?.responseId ?? null };
  await emitEvent(db, { type: 'review.queued', subject: `review/${itemId}`, userId: aboutUserId, data });
  await tellLive(db, 'queue_update', { action: 'queued', item_id: itemId, status: 'queued', category, priority });
  return { itemId, estimatedAt: estimateReviewTime(createdAt.getTime(), history, settings.expectedMs) };
}

function customerOf({ customer_id: customer }: AnswerToReview['metadata']): string | undefined {
  const named = asString(customer)?.trim() ?? '';
  return isUserId(named) ? named : undefined;
}

function isForTwo(category: string, { categories, share }: ReturnType<typeof reviewSettings>['doubleReview']): boolean {
  return categories.includes(category) || Math.random() < share;
}
