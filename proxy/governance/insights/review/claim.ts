import { diffFields } from '../../../../database/audit/diff.ts';
import { userIdOf } from '../../../../database/ids.ts';
import { type QueueUpdateData, tellLive } from '../../../../database/live-events.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import { readReviewDecisions } from '../../../../database/reviews/decisions.ts';
import {
  changeReviewItem,
  claimReviewItem,
  findReviewItem,
  lockNextReviewItem,
  type ReviewItemRow,
} from '../../../../database/reviews/items.ts';
import { noteUser } from '../../../../database/speech/sessions.ts';
import { toStorable } from '../../../../database/storable.ts';
import type { Caller } from '../../../calls/call.ts';
import { ProxyError } from '../../../error.ts';
import { type RecordedChange, recorded } from '../../recorded.ts';
import { admitRole } from '../../roles.ts';
import { readUserId } from '../../user-id.ts';
import { lockReviewItem, type ReviewContext, type ReviewQuestion } from './items.ts';
import { type NamedCaller, requireUser } from './queue.ts';
import { reviewSettings } from './settings.ts';

/** An item before a change and after it. */
interface Changed {
  readonly before: ReviewItemRow;
  readonly after: ReviewItemRow;
}

/**
 * Gives a reviewer an item for `spec.insights.review.leaseDuration`, or for as long anew. Nobody else gets it meanwhile.
 *
 * @throws {ProxyError} `role_required`, `review_item_not_found`, `review_item_claimed`, `review_item_decided`,
 * `store_unavailable`
 */
export async function claimItem(context: ReviewContext, caller: Caller, itemId: string): Promise<ReviewItemRow> {
  admitRole(caller, 'reviewer');
  return change(context, caller, itemId, 'claimed', async (db, before) => {
    await requireUndecidedBy(db, context, before, caller.userId);
    await lease(db, context, itemId, requireUser(caller));
  });
}

/**
 * Gives a reviewer the item whose turn it is: the most urgent, and of those the oldest. Undefined: there is none.
 *
 * @throws {ProxyError} `role_required`, `store_unavailable`
 */
export async function claimNext(
  context: ReviewContext,
  caller: Caller,
  { category, priority }: Pick<ReviewQuestion, 'category' | 'priority'>,
): Promise<ReviewItemRow | undefined> {
  admitRole(caller, 'reviewer');
  const reviewer = requireUser(caller);
  const { organizationId } = context.inForce().snapshot;
  const choice = { category: category === undefined ? null : toStorable(category), priority: priority ?? null };
  const changed = await recorded(
    context,
    caller,
    async (db): Promise<Changed | undefined> => {
      const itemId = await lockNextReviewItem(db, organizationId, reviewer.userId, choice);
      if (itemId === undefined) return undefined;
      const before = await lockReviewItem(db, organizationId, itemId);
      await lease(db, context, itemId, reviewer);
      return { before, after: await readAgain(db, organizationId, before, 'claimed') };
    },
    (made) => made && describe(made),
  );
  return changed?.after;
}

/**
 * Gives an item back, for whoever has claimed it, or an admin.
 *
 * @throws {ProxyError} as `claimItem`
 */
export async function releaseItem(context: ReviewContext, caller: Caller, itemId: string): Promise<ReviewItemRow> {
  admitRole(caller, 'reviewer');
  const { organizationId } = context.inForce().snapshot;
  return change(context, caller, itemId, 'released', async (db, before) => {
    requireOpen(before, caller);
    await claimReviewItem(db, organizationId, itemId, null);
  });
}

/**
 * Gives an item to another reviewer, for whoever has claimed it, for reviewers if nobody has, and for admins.
 *
 * @throws {ProxyError} as `claimItem`, and `invalid_request` for what is no user's id
 */
export async function reassignItem(
  context: ReviewContext,
  caller: Caller,
  itemId: string,
  reviewer: string,
): Promise<ReviewItemRow> {
  admitRole(caller, 'reviewer');
  const user = readUserId('reviewer_id', reviewer);
  const next = { user, userId: userIdOf(context.inForce().snapshot.organizationId, user) };
  return change(
    context,
    caller,
    itemId,
    'reassigned',
    async (db, before) => {
      requireOpen(before, caller);
      await requireUndecidedBy(db, context, { ...before, claimedBy: null }, next.userId);
      await lease(db, context, itemId, next);
    },
    { $user: user },
  );
}

/**
 * Changes how urgent an item is, or what it is about.
 *
 * @throws {ProxyError} as `claimItem`
 */
export async function changeItem(
  context: ReviewContext,
  caller: Caller,
  itemId: string,
  asked: { readonly priority?: number | undefined; readonly category?: string | undefined },
): Promise<ReviewItemRow> {
  admitRole(caller, 'reviewer');
  const { priority, category } = asked;
  if (priority === undefined && category === undefined) {
    throw new ProxyError('invalid_request', { message: 'the body must have priority or category' });
  }
  const { organizationId } = context.inForce().snapshot;
  return change(context, caller, itemId, 'changed', async (db, before) => {
    requireOpen(before, caller);
    await changeReviewItem(db, organizationId, itemId, {
      ...(priority !== undefined && { priority }),
      ...(category !== undefined && { category }),
    });
  });
}

/** @throws {ProxyError} `review_item_decided`, `review_item_claimed` where somebody else has it and the caller is no admin */
export function requireOpen(
  { status, claimedBy, claimedByName }: ReviewItemRow,
  caller: Pick<Caller, 'userId' | 'roles'>,
): void {
  if (status === 'reviewed') throw new ProxyError('review_item_decided', { param: 'item_id' });
  if (claimedBy === null || claimedBy === caller.userId || caller.roles.includes('admin')) return;
  throw new ProxyError('review_item_claimed', { param: 'item_id', details: { claimed_by: claimedByName } });
}

/** @throws {ProxyError} as `requireOpen`, and `review_item_decided` where the reviewer has decided about it before */
async function requireUndecidedBy(
  db: Queryable,
  { inForce }: ReviewContext,
  item: ReviewItemRow,
  reviewerId: string,
): Promise<void> {
  // An admin takes over by `reassign`, so that a claim is not taken by accident.
  requireOpen(item, { userId: reviewerId, roles: ['reviewer'] });
  const { organizationId } = inForce().snapshot;
  const decisions = (await readReviewDecisions(db, organizationId, [item.itemId])).get(item.itemId) ?? [];
  if (decisions.some((one) => one.reviewerId === reviewerId)) throw alreadyDecided();
}

export function alreadyDecided(): ProxyError {
  const message = 'This reviewer has decided about the item already; another one must, too';
  return new ProxyError('review_item_decided', { param: 'item_id', message });
}

async function lease(db: Queryable, { inForce }: ReviewContext, itemId: string, reviewer: NamedCaller): Promise<void> {
  const { snapshot } = inForce();
  const { organizationId } = snapshot;
  await noteUser(db, organizationId, { userId: reviewer.userId, externalId: reviewer.user });
  const { leaseMs } = reviewSettings(snapshot);
  await claimReviewItem(db, organizationId, itemId, { reviewerId: reviewer.userId, leaseMs });
}

async function change(
  context: ReviewContext,
  caller: Caller,
  itemId: string,
  action: QueueUpdateData['action'],
  work: (db: Queryable, before: ReviewItemRow) => Promise<void>,
  user?: RecordedChange['user'],
): Promise<ReviewItemRow> {
  const { organizationId } = context.inForce().snapshot;
  const { after } = await recorded(
    context,
    caller,
    async (db): Promise<Changed> => {
      const before = await lockReviewItem(db, organizationId, itemId);
      await work(db, before);
      return { before, after: await readAgain(db, organizationId, before, action) };
    },
    (changed) => describe(changed, user),
  );
  return after;
}

/** Reads an item that was changed, and tells those who watch of it. */
async function readAgain(
  db: Queryable,
  organizationId: string,
  { itemId }: ReviewItemRow,
  action: QueueUpdateData['action'],
): Promise<ReviewItemRow> {
  const after = await findReviewItem(db, organizationId, itemId);
  if (!after) throw new Error('a locked item is gone');
  const { status, category, priority } = after;
  await tellLive(db, 'queue_update', { action, item_id: itemId, status, category, priority });
  return after;
}

/** Who has it stands in the entry's actor, or in its user. */
function describe({ before, after }: Changed, user?: RecordedChange['user']): RecordedChange {
  const shown = ({ priority, category, claimedUntil }: ReviewItemRow) => ({
    ...{ priority, category },
    claimed_until: claimedUntil?.toISOString() ?? null,
  });
  const changes = diffFields('review', shown(before), shown(after));
  const subject = `ReviewItem/${before.itemId}`;
  return { action: 'changed', subject, ...(user !== undefined && { user }), changes };
}
