import type { Queryable } from '../queryable.ts';

export const reviewSources = ['api', 'generation', 'guardrail'] as const;
/** What has queued an item: a client, a generated response, or a guardrail. */
export type ReviewSource = (typeof reviewSources)[number];

export const reviewStatuses = ['queued', 'in_review', 'reviewed'] as const;
/** `in_review`: a reviewer has claimed it, and the claim has not ended. */
export type ReviewStatus = (typeof reviewStatuses)[number];

/** An answer that people review. */
export interface ReviewItemRow {
  readonly itemId: string;
  /** Who has queued it. */
  readonly userId: string;
  /** The external id; null: erased. */
  readonly queuedBy: string | null;
  /** Whose words it has. */
  readonly aboutUserId: string;
  readonly source: ReviewSource;
  readonly category: string;
  /** From 1, the most urgent, to 5. */
  readonly priority: number;
  /** JSON, sealed for `review_items.contents`; the row id is the item's. */
  readonly contentsSealed: Uint8Array | null;
  /** How many reviewers must agree. */
  readonly reviewsNeeded: number;
  readonly status: ReviewStatus;
  /** How many have decided. */
  readonly reviews: number;
  readonly comments: number;
  /** Null: it is not decided. */
  readonly approved: boolean | null;
  readonly edited: boolean;
  /** Who has a claim that has not ended. Null: nobody. */
  readonly claimedBy: string | null;
  readonly claimedByName: string | null;
  readonly claimedUntil: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly reviewedAt: Date | null;
  /** The guardrail that keeps the answer from its caller. Null: none. */
  readonly guardrail: string | null;
  /** What the guardrail looks for. */
  readonly detector: string | null;
  /** The provider's id of a held response that can be asked for. */
  readonly responseId: string | null;
  /** When a held answer counts as rejected, if nobody has decided. */
  readonly heldUntil: Date | null;
}

/** What keeps an answer from its caller. */
export interface Hold {
  readonly guardrail: string;
  readonly detector: string;
  readonly responseId: string | null;
  readonly holdMs: number;
}

/** Nobody has decided about a held answer in time. Workers note that within a minute. */
const isExpired = `(i.status = 'queued' and i.held_until <= clock_timestamp())`;
const isClaimed = `(i.status = 'queued' and i.claimed_until > clock_timestamp()
  and (i.held_until is null or i.held_until > clock_timestamp()))`;
const statusNow = `case when ${isClaimed} then 'in_review' when ${isExpired} then 'reviewed' else i.status end`;

const columns = `i.item_id as "itemId", i.user_id as "userId", q.external_id as "queuedBy", i.about_user_id as "aboutUserId",
  i.source, i.category, i.priority, i.contents_encrypted as "contentsSealed", i.reviews_needed as "reviewsNeeded",
  ${statusNow} as status, i.reviews, i.comments, case when ${isExpired} then false else i.approved end as approved, i.edited,
  case when ${isClaimed} then i.claimed_by end as "claimedBy", case when ${isClaimed} then c.external_id end as "claimedByName",
  case when ${isClaimed} then i.claimed_until end as "claimedUntil", i.created_at as "createdAt", i.updated_at as "updatedAt",
  case when ${isExpired} then i.held_until else i.reviewed_at end as "reviewedAt", i.guardrail, i.detector,
  i.response_id as "responseId", i.held_until as "heldUntil"`;

const withNames = `chaperone.review_items i
  left join chaperone.users q on q.organization_id = i.organization_id and q.user_id = i.user_id
  left join chaperone.users c on c.organization_id = i.organization_id and c.user_id = i.claimed_by`;

/** Queues an item. The users must have rows. @param hold absent: nothing holds the answer @returns when */
export async function insertReviewItem(
  db: Queryable,
  organizationId: string,
  item: Pick<
    ReviewItemRow,
    'itemId' | 'userId' | 'aboutUserId' | 'source' | 'category' | 'priority' | 'contentsSealed' | 'reviewsNeeded'
  >,
  hold?: Hold,
): Promise<Date> {
  const { rows } = await db.query<{ createdAt: Date }>(
    `insert into chaperone.review_items
       (organization_id, item_id, user_id, about_user_id, source, category, priority, contents_encrypted, reviews_needed,
        guardrail, detector, response_id, held_until)
     values ($1::uuid, $2::text, $3::uuid, $4::uuid, $5::text, $6::text, $7::smallint, $8::bytea, $9::smallint,
       $10::text, $11::text, $12::text, clock_timestamp() + $13::float8 * interval '1 ms')
     returning created_at as "createdAt"`,
    [
      ...[organizationId, item.itemId, item.userId, item.aboutUserId, item.source, item.category],
      ...[item.priority, item.contentsSealed, item.reviewsNeeded],
      ...[hold?.guardrail ?? null, hold?.detector ?? null, hold?.responseId ?? null, hold?.holdMs ?? null],
    ],
  );
  const [row] = rows;
  if (!row) throw new Error('the item was not stored');
  return row.createdAt;
}

/** Finds an item. @param locked others wait with their changes until the transaction ends */
export async function findReviewItem(
  db: Queryable,
  organizationId: string,
  itemId: string,
  locked = false,
): Promise<ReviewItemRow | undefined> {
  const { rows } = await db.query<ReviewItemRow>(
    `select ${columns} from ${withNames}
     where i.organization_id = $1::uuid and i.item_id = $2::text${locked ? ' for update of i' : ''}`,
    [organizationId, itemId],
  );
  return rows[0];
}

/** Which items are asked for. Null: all. */
export interface ReviewFilter {
  readonly status: ReviewStatus | null;
  readonly category: string | null;
  readonly priority: number | null;
  /** Who has a claim. */
  readonly claimedBy: string | null;
}

const isSelected = `i.organization_id = $1::uuid
  and case $2::text
    when 'reviewed' then i.status = 'reviewed'
    when 'in_review' then ${isClaimed}
    when 'queued' then i.status = 'queued' and not coalesce(${isClaimed}, false)
    else true end
  and ($3::text is null or i.category = $3::text) and ($4::smallint is null or i.priority = $4::smallint)
  and ($5::uuid is null or (i.claimed_by = $5::uuid and ${isClaimed}))`;

/** Lists a page of items, with the total count: open ones first, in the order of their turn, then the latest decisions. */
export async function listReviewItems(
  db: Queryable,
  organizationId: string,
  { status, category, priority, claimedBy }: ReviewFilter,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ items: ReviewItemRow[]; total: number }> {
  const values = [organizationId, status, category, priority, claimedBy];
  const { rows: items } = await db.query<ReviewItemRow>(
    `select ${columns} from ${withNames}
     where ${isSelected}
     order by i.status, i.reviewed_at desc, i.priority, i.created_at, i.item_id
     limit $6::integer offset $7::integer`,
    [...values, limit, offset],
  );
  const { rows } = await db.query<{ total: number }>(
    `select count(*)::integer as total from chaperone.review_items i where ${isSelected}`,
    values,
  );
  return { items, total: rows[0]?.total ?? 0 };
}

/** Which items a reviewer takes. Null: any. */
export type ReviewChoice = Pick<ReviewFilter, 'category' | 'priority'>;

/**
 * Locks the item whose turn it is for a reviewer who has not decided about it yet. Items that others are taking at this
 * moment are left to them.
 */
export async function lockNextReviewItem(
  db: Queryable,
  organizationId: string,
  reviewerId: string,
  { category, priority }: ReviewChoice,
): Promise<string | undefined> {
  const { rows } = await db.query<{ itemId: string }>(
    `select i.item_id as "itemId" from chaperone.review_items i
     where i.organization_id = $1::uuid and i.status = 'queued'
       and (i.claimed_until is null or i.claimed_until <= clock_timestamp())
       and (i.held_until is null or i.held_until > clock_timestamp())
       and ($3::text is null or i.category = $3::text) and ($4::smallint is null or i.priority = $4::smallint)
       and not exists (
         select from chaperone.review_decisions d
         where d.organization_id = i.organization_id and d.item_id = i.item_id and d.user_id = $2::uuid)
     order by i.priority, i.created_at, i.item_id
     limit 1 for update skip locked`,
    [organizationId, reviewerId, category, priority],
  );
  return rows[0]?.itemId;
}

/** Gives a locked item to a reviewer for some time. Null: to nobody. */
export async function claimReviewItem(
  db: Queryable,
  organizationId: string,
  itemId: string,
  claim: { readonly reviewerId: string; readonly leaseMs: number } | null,
): Promise<void> {
  await db.query(
    `update chaperone.review_items
     set claimed_by = $3::uuid, claimed_until = clock_timestamp() + $4::float8 * interval '1 ms',
       updated_at = clock_timestamp()
     where organization_id = $1::uuid and item_id = $2::text`,
    [organizationId, itemId, claim?.reviewerId ?? null, claim?.leaseMs ?? null],
  );
}

/** Changes what a locked item is. Absent: it stays as it is. */
export async function changeReviewItem(
  db: Queryable,
  organizationId: string,
  itemId: string,
  { priority, category }: Partial<Pick<ReviewItemRow, 'priority' | 'category'>>,
): Promise<void> {
  await db.query(
    `update chaperone.review_items
     set priority = coalesce($3::smallint, priority), category = coalesce($4::text, category), updated_at = clock_timestamp()
     where organization_id = $1::uuid and item_id = $2::text`,
    [organizationId, itemId, priority ?? null, category ?? null],
  );
}

/** What the estimate of a new item follows from. */
export interface QueueHistory {
  /** Open items whose turn comes before. */
  readonly ahead: number;
  /** Median seconds from queueing to the decision, of the last items of this priority. Null: too few were decided. */
  readonly waitS: number | null;
  /** Median seconds between the last decisions. Null: too few. */
  readonly gapS: number | null;
}

/** Reads what a new item may expect by the last hundred decisions. Fewer than five say nothing. */
export async function readQueueHistory(db: Queryable, organizationId: string, priority: number): Promise<QueueHistory> {
  const { rows } = await db.query<QueueHistory>(
    `with last as (
       select i.priority, i.created_at, i.reviewed_at from chaperone.review_items i
       where i.organization_id = $1::uuid and i.status = 'reviewed' and i.reviewed_at is distinct from i.held_until
       order by i.reviewed_at desc limit 100
     ), gaps as (
       select extract(epoch from reviewed_at - lag(reviewed_at) over (order by reviewed_at))::float8 as gap from last
     ), waits as (
       select extract(epoch from reviewed_at - created_at)::float8 as wait, priority = $2::smallint as is_same from last
     )
     select
       (select count(*)::integer from chaperone.review_items i
        where i.organization_id = $1::uuid and i.status = 'queued' and i.priority <= $2::smallint) as ahead,
       (select case
          when count(*) filter (where is_same) >= 5 then percentile_cont(0.5) within group (order by wait) filter (where is_same)
          when count(*) >= 5 then percentile_cont(0.5) within group (order by wait) end from waits) as "waitS",
       (select case when count(gap) >= 4 then percentile_cont(0.5) within group (order by gap) end from gaps) as "gapS"`,
    [organizationId, priority],
  );
  return rows[0] ?? { ahead: 0, waitS: null, gapS: null };
}

/** How many items are open, and since when. */
export interface QueueDepth {
  readonly queued: number;
  readonly inReview: number;
  /** Null: nothing is open. */
  readonly oldestAt: Date | null;
}

export async function readQueueDepth(db: Queryable, organizationId: string): Promise<QueueDepth> {
  const { rows } = await db.query<QueueDepth>(
    `select count(*) filter (where not coalesce(${isClaimed}, false))::integer as queued,
       count(*) filter (where ${isClaimed})::integer as "inReview", min(i.created_at) as "oldestAt"
     from chaperone.review_items i where i.organization_id = $1::uuid and i.status = 'queued'`,
    [organizationId],
  );
  return rows[0] ?? { queued: 0, inReview: 0, oldestAt: null };
}
