import { userIdOf } from '../../../../database/ids.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import { readReviewComments } from '../../../../database/reviews/comments.ts';
import { type ReviewDecisionRow, readReviewDecisions } from '../../../../database/reviews/decisions.ts';
import {
  findReviewItem,
  listReviewItems as listRows,
  type ReviewItemRow,
  type ReviewStatus,
} from '../../../../database/reviews/items.ts';
import { toStorable } from '../../../../database/storable.ts';
import type { Caller } from '../../../calls/call.ts';
import { ProxyError } from '../../../error.ts';
import { asObject, asString } from '../../../providers/json.ts';
import type { GovernanceContext, GovernanceInForce } from '../../context.ts';
import type { Listed, Page } from '../../page.ts';
import { admitRole, seesOrganization } from '../../roles.ts';
import { type DiffPart, diffTexts } from './diff.ts';
import { openReview } from './sealing.ts';

export type ReviewContext = Pick<GovernanceContext, 'inForce' | 'store'>;

/** An answer that people review, with what it says. */
export interface ReviewItem extends Omit<ReviewItemRow, 'contentsSealed'> {
  readonly query: string;
  readonly response: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What the customer may get: the answer, as it was edited. Null: it is not approved, or not yet. */
  readonly finalResponse: string | null;
}

/** What a reviewer has decided. */
export interface ReviewDecision extends Omit<ReviewDecisionRow, 'contentsSealed'> {
  readonly feedback: string | null;
  /** Null: the reviewer has edited nothing. */
  readonly edits: { readonly modifiedResponse: string; readonly diff: readonly DiffPart[] } | null;
}

export interface ReviewComment {
  readonly number: number;
  readonly author: string | null;
  readonly text: string;
  readonly createdAt: Date;
}

/** An item with all that is said about it. Whoever has queued it and is no staff gets the item alone. */
export interface ReviewedItem {
  readonly item: ReviewItem;
  readonly decisions: readonly ReviewDecision[];
  readonly comments: readonly ReviewComment[];
}

/**
 * Gets an item: any, for who sees the organization, or one that the caller has queued. What others have decided is hidden
 * from reviewers until the item is decided, so that the second decision does not follow from the first.
 *
 * @throws {ProxyError} `review_item_not_found`, `store_unavailable`
 */
export async function getReviewItem(context: ReviewContext, caller: Caller, itemId: string): Promise<ReviewedItem> {
  const inForce = context.inForce();
  const { organizationId } = inForce.snapshot;
  const isStaff = seesOrganization(caller);
  const found = await context.store.run(async (db) => {
    const row = await findItem(db, organizationId, itemId);
    if (!row || (!isStaff && row.userId !== caller.userId)) throw reviewItemNotFound();
    const decisions = (await readReviewDecisions(db, organizationId, [itemId])).get(itemId) ?? [];
    return { row, decisions, comments: isStaff ? await readReviewComments(db, organizationId, itemId) : [] };
  });
  const whole = openItem(inForce, found.row, found.decisions);
  const item = isStaff ? whole : asCallerSees(whole);
  const mayRead = (decision: ReviewDecisionRow) =>
    isStaff && (item.status === 'reviewed' || caller.roles.includes('admin') || decision.reviewerId === caller.userId);
  return {
    item,
    decisions: await Promise.all(
      found.decisions.filter(mayRead).map((decision) => openDecision(inForce, item, decision)),
    ),
    comments: found.comments.map(({ contentsSealed, ...comment }) => {
      const rowId = `${itemId}/${comment.number}`;
      const { text } = openReview(inForce.envelope, organizationId, 'review_comments.contents', rowId, contentsSealed);
      return { ...comment, text: asString(text) ?? '' };
    }),
  };
}

/** A held answer is not for its caller until it is released, and then as it was edited. */
function asCallerSees(item: ReviewItem): ReviewItem {
  if (item.guardrail === null) return item;
  const { tool_calls: _, ...metadata } = item.metadata;
  return { ...item, response: item.finalResponse ?? '', metadata: item.approved ? item.metadata : metadata };
}

/** Which items are asked for. Absent: all. */
export interface ReviewQuestion {
  readonly status?: ReviewStatus | undefined;
  readonly category?: string | undefined;
  readonly priority?: number | undefined;
  /** The external id of who has a claim. */
  readonly claimedBy?: string | undefined;
}

/**
 * Lists items for who sees the organization: open ones in the order of their turn, then those that are decided, the latest
 * first.
 *
 * @throws {ProxyError} `role_required`, `store_unavailable`
 */
export async function listReviewItems(
  context: ReviewContext,
  caller: Caller,
  { status, category, priority, claimedBy }: ReviewQuestion,
  page: Page,
): Promise<Listed<ReviewItem>> {
  admitRole(caller, 'analyst', 'reviewer');
  const inForce = context.inForce();
  const { organizationId } = inForce.snapshot;
  const filter = {
    status: status ?? null,
    category: category === undefined ? null : toStorable(category),
    priority: priority ?? null,
    claimedBy: claimedBy === undefined ? null : userIdOf(organizationId, claimedBy),
  };
  return context.store.run(async (db) => {
    const { items, total } = await listRows(db, organizationId, filter, page);
    const edited = items.filter((item) => item.edited).map(({ itemId }) => itemId);
    const decisions = await readReviewDecisions(db, organizationId, edited);
    return { items: items.map((row) => openItem(inForce, row, decisions.get(row.itemId) ?? [])), total };
  });
}

/** Locks an item that is there. @throws {ProxyError} `review_item_not_found` */
export async function lockReviewItem(db: Queryable, organizationId: string, itemId: string): Promise<ReviewItemRow> {
  const found = await findItem(db, organizationId, itemId, true);
  if (!found) throw reviewItemNotFound();
  return found;
}

async function findItem(db: Queryable, organizationId: string, itemId: string, locked = false) {
  // Ids of other forms are those of no item; PostgreSQL need not see them.
  return /^rev-[0-9a-f]{24}$/.test(itemId) ? findReviewItem(db, organizationId, itemId, locked) : undefined;
}

export function reviewItemNotFound(): ProxyError {
  return new ProxyError('review_item_not_found', { param: 'item_id' });
}

type Opener = Pick<GovernanceInForce, 'snapshot' | 'envelope'>;

export function openItem(
  { snapshot, envelope }: Opener,
  { contentsSealed, ...row }: ReviewItemRow,
  decisions: readonly ReviewDecisionRow[],
): ReviewItem {
  const { organizationId } = snapshot;
  const contents = openReview(envelope, organizationId, 'review_items.contents', row.itemId, contentsSealed);
  const response = asString(contents.response) ?? '';
  const edits = decisions
    .filter(({ approved }) => approved)
    .map((decision) => openEdit({ snapshot, envelope }, row.itemId, decision).modifiedResponse);
  return {
    ...row,
    response,
    query: asString(contents.query) ?? '',
    metadata: asObject(contents.metadata) ?? {},
    finalResponse: row.approved ? (edits.findLast((edit) => edit !== null) ?? response) : null,
  };
}

function openEdit(
  { snapshot, envelope }: Opener,
  itemId: string,
  { number, contentsSealed }: ReviewDecisionRow,
): { readonly feedback: string | null; readonly modifiedResponse: string | null } {
  const rowId = `${itemId}/${number}`;
  const said = openReview(envelope, snapshot.organizationId, 'review_decisions.contents', rowId, contentsSealed);
  return { feedback: asString(said.feedback) ?? null, modifiedResponse: asString(said.modified_response) ?? null };
}

async function openDecision(
  inForce: GovernanceInForce,
  { itemId, response }: ReviewItem,
  decision: ReviewDecisionRow,
): Promise<ReviewDecision> {
  const { contentsSealed: _, ...row } = decision;
  const { feedback, modifiedResponse } = openEdit(inForce, itemId, decision);
  const edits =
    modifiedResponse === null ? null : { modifiedResponse, diff: await diffTexts(response, modifiedResponse) };
  return { ...row, feedback, edits };
}
