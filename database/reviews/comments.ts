import type { Queryable } from '../queryable.ts';

/** What somebody says about an item. */
export interface ReviewCommentRow {
  readonly number: number;
  /** The external id. Null: erased. */
  readonly author: string | null;
  /** JSON, sealed for `review_comments.contents`; the row id is `item/number`. */
  readonly contentsSealed: Uint8Array;
  readonly createdAt: Date;
}

/** Adds a comment to a locked item. @returns when */
export async function insertReviewComment(
  db: Queryable,
  organizationId: string,
  itemId: string,
  comment: { readonly number: number; readonly authorId: string; readonly contentsSealed: Uint8Array },
): Promise<Date> {
  const { rows } = await db.query<{ createdAt: Date }>(
    `insert into chaperone.review_comments (organization_id, item_id, number, user_id, contents_encrypted)
     values ($1::uuid, $2::text, $3::integer, $4::uuid, $5::bytea)
     returning created_at as "createdAt"`,
    [organizationId, itemId, comment.number, comment.authorId, comment.contentsSealed],
  );
  const [row] = rows;
  if (!row) throw new Error('the comment was not stored');
  await db.query(
    `update chaperone.review_items set comments = $3::integer, updated_at = clock_timestamp()
     where organization_id = $1::uuid and item_id = $2::text`,
    [organizationId, itemId, comment.number],
  );
  return row.createdAt;
}

/** Reads the comments on an item, in their order. */
export async function readReviewComments(
  db: Queryable,
  organizationId: string,
  itemId: string,
): Promise<ReviewCommentRow[]> {
  const { rows } = await db.query<ReviewCommentRow>(
    `select c.number, u.external_id as author, c.contents_encrypted as "contentsSealed", c.created_at as "createdAt"
     from chaperone.review_comments c
       left join chaperone.users u on u.organization_id = c.organization_id and u.user_id = c.user_id
     where c.organization_id = $1::uuid and c.item_id = $2::text
     order by c.number limit 1000`,
    [organizationId, itemId],
  );
  return rows;
}
