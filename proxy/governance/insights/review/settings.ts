import { parseDurationMs } from '../../../../crds/duration.ts';
import type { Snapshot } from '../../../snapshot/snapshot.ts';

/** How people review: `spec.insights.review` with its defaults. */
export interface ReviewSettings {
  /** How long a claim lasts. */
  readonly leaseMs: number;
  /** How long a review takes, as long as the queue has no history. */
  readonly expectedMs: number;
  /** How long an answer that a guardrail holds waits for a decision. */
  readonly holdMs: number;
  /** Which items two reviewers see: of these categories, and this share of the others. */
  readonly doubleReview: { readonly categories: readonly string[]; readonly share: number };
}

export function reviewSettings({ spec }: Pick<Snapshot, 'spec'>): ReviewSettings {
  const {
    leaseDuration = '15m',
    expectedTime = '2h',
    holdDuration = '72h',
    doubleReview,
  } = spec.insights?.review ?? {};
  return {
    leaseMs: parseDurationMs(leaseDuration),
    expectedMs: parseDurationMs(expectedTime),
    holdMs: parseDurationMs(holdDuration),
    doubleReview: { categories: doubleReview?.categories ?? [], share: doubleReview?.share ?? 0 },
  };
}
