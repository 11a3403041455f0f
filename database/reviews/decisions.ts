import type { Queryable } from '../queryable.ts';

/** What a reviewer has decided about an item. */
export interface ReviewDecisionRow {
  readonly number: number;
  readonly reviewerId: string;
  /** The reviewer's external id. Null: erased. */
  readonly reviewer: string | null;
  readonly approved: boolean;
  /** JSON, sealed for `review_decisions.contents`; the row id is `item/number`. */
  readonly contentsSealed: Uint8Array | null;
  readonly decidedAt: Date;
}

/** What an item is after a decision. */
export interface DecidedItem {
  readonly isReviewed: boolean;
  /** Null: it is not decided. */
  readonly approved: boolean | null;
  readonly edited: boolean;
}

/** Stores a decision about a locked item, and what follows from it. The claim ends. @returns when */
export async function insertReviewDecision(
  db: Queryable,
  organizationId: string,
  itemId: string,
  decision: Pick<ReviewDecisionRow, 'number' | 'reviewerId' | 'approved' | 'contentsSealed'>,
  { isReviewed, approved, edited }: DecidedItem,
): Promise<Date> {
  const { rows } = await db.query<{ decidedAt: Date }>(
    `insert into chaperone.review_decisions (organization_id, item_id, number, user_id, approved, contents_encrypted)
     values ($1::uuid, $2::text, $3::smallint, $4::uuid, $5::boolean, $6::bytea)
     returning decided_at as "decidedAt"`,
    [organizationId, itemId, decision.number, decision.reviewerId, decision.approved, decision.contentsSealed],
  );
  const [row] = rows;
  if (!row) throw new Error('the decision was not stored');
  await db.query(
    `update chaperone.review_items
     set reviews = $3::smallint, status = case when $4::boolean then 'reviewed' else status end, approved = $5::boolean,
       edited = $6::boolean, claimed_by = null, claimed_until = null, updated_at = $7::timestamptz,
       reviewed_at = case when $4::boolean then $7::timestamptz end
     where organization_id = $1::uuid and item_id = $2::text`,
    [organizationId, itemId, decision.number, isReviewed, approved, edited, row.decidedAt],
  );
  return row.decidedAt;
}

/** Reads the decisions about items, in their order. @returns by item */
export async function readReviewDecisions(
  db: Queryable,
  organizationId: string,
  itemIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ReviewDecisionRow[]>> {
  const { rows } = await db.query<ReviewDecisionRow & { itemId: string }>(
    `select d.item_id as "itemId", d.number, d.user_id as "reviewerId", u.external_id as reviewer, d.approved,
       d.contents_encrypted as "contentsSealed", d.decided_at as "decidedAt"
     from chaperone.review_decisions d
       left join chaperone.users u on u.organization_id = d.organization_id and u.user_id = d.user_id
     where d.organization_id = $1::uuid and d.item_id = any ($2::text[])
     order by d.item_id, d.number`,
    [organizationId, itemIds],
  );
  return Map.groupBy(rows, ({ itemId }) => itemId);
}

/** How two reviewers have decided about the items that both have seen first and second. */
export interface PairOfReviewers {
  /** External ids; null: erased. */
  readonly one: string | null;
  readonly other: string | null;
  readonly bothApprove: number;
  readonly bothReject: number;
  /** Only `one` approves. */
  readonly onlyOne: number;
  readonly onlyOther: number;
}

/** Counts how reviewers agree, by pair. A third decision, which settles a dispute, is not among them. */
export async function readReviewerPairs(
  db: Queryable,
  organizationId: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<PairOfReviewers[]> {
  const { rows } = await db.query<PairOfReviewers>(
    `with pairs as (
       select least(f.user_id, s.user_id) as one, greatest(f.user_id, s.user_id) as other,
         case when f.user_id < s.user_id then f.approved else s.approved end as one_approves,
         case when f.user_id < s.user_id then s.approved else f.approved end as other_approves
       from chaperone.review_decisions s
         join chaperone.review_decisions f on f.organization_id = s.organization_id and f.item_id = s.item_id and f.number = 1
       where s.organization_id = $1::uuid and s.number = 2 and s.decided_at >= $2::timestamptz and s.decided_at < $3::timestamptz
     )
     select a.external_id as one, b.external_id as other,
       count(*) filter (where one_approves and other_approves)::integer as "bothApprove",
       count(*) filter (where not one_approves and not other_approves)::integer as "bothReject",
       count(*) filter (where one_approves and not other_approves)::integer as "onlyOne",
       count(*) filter (where not one_approves and other_approves)::integer as "onlyOther"
     from pairs p
       left join chaperone.users a on a.organization_id = $1::uuid and a.user_id = p.one
       left join chaperone.users b on b.organization_id = $1::uuid and b.user_id = p.other
     group by p.one, p.other, a.external_id, b.external_id
     order by count(*) desc, one, other
     limit 1000`,
    [organizationId, from, to],
  );
  return rows;
}
