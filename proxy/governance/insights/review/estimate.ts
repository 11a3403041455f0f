import type { QueueHistory } from '../../../../database/reviews/items.ts';

/**
 * When a new item is likely to be reviewed: after the median time that such items took, or, where more than usual is
 * waiting, after as many median pauses between decisions as there are turns.
 *
 * @param expectedMs how long a review takes, as long as the queue has no history
 */
export function estimateReviewTime(nowMs: number, { ahead, waitS, gapS }: QueueHistory, expectedMs: number): Date {
  if (waitS === null || gapS === null) return new Date(nowMs + expectedMs);
  return new Date(nowMs + Math.max(waitS, (ahead + 1) * gapS) * 1_000);
}
