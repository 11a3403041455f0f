import { parseDurationMs } from '../../../../crds/duration.ts';
import type { Snapshot } from '../../../snapshot/snapshot.ts';

/** How people review: `spec.insights.review` with its defaults. */
export interface ReviewSettings {
  /** How long a claim lasts. */
  readonly leaseMs: number;
  /** How long a review takes, as long as the queue has no history. */
  readonly expectedMs: number;
  /** Which items two reviewers see: of these categories, and this share of the others. */
  readonly doubleReview: { readonly categories: readonly string[]; readonly share: number };
}

export function reviewSettings({ spec }: Pick<Snapshot, 'spec'>): ReviewSettings {
  const { leaseDuration = '15m', expectedTime = '2h', doubleReview } = spec.insights?.review ?? {};
  return {
    leaseMs: parseDurationMs(leaseDuration),
    expectedMs: parseDurationMs(expectedTime),
    doubleReview: { categories: doubleReview?.categories ?? [], share: doubleReview?.share ?? 0 },
  };
}
