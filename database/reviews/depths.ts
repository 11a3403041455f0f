import type { Queryable } from '../queryable.ts';

/** What waits for the reviewers of an organization. */
export interface ReviewDepth {
  /** Its name. */
  readonly organization: string;
  readonly queued: number;
  readonly inReview: number;
  /** How long the oldest open item has waited, in seconds. */
  readonly oldestS: number;
}

/** Counts the open items of all organizations that have any. @param db a worker's login, or the owner's */
export async function readReviewDepths(db: Queryable): Promise<ReviewDepth[]> {
  const { rows } = await db.query<ReviewDepth>(
    `select organization, queued, in_review as "inReview", oldest_seconds as "oldestS" from chaperone.review_depths()`,
  );
  return rows;
}
