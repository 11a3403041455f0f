import type { ReviewItemRow } from '../../database/reviews/items.ts';
import { align, type RulesFormat, toLine } from './render-rules.ts';

export interface ReviewLine {
  readonly organization: string;
  readonly item: ReviewItemRow;
}

/** Shows items of the review queue as a table, or as JSON. */
export function renderReviews(lines: readonly ReviewLine[], format: RulesFormat): string {
  if (format === 'json') return `${JSON.stringify({ reviews: lines.map(toJson) })}\n`;
  if (lines.length === 0) return 'There are no items in the review queue.\n';
  const head = [
    ...['ORGANIZATION', 'ITEM', 'STATUS', 'PRIORITY', 'CATEGORY', 'SOURCE', 'CLAIMED BY', 'REVIEWS', 'OUTCOME'],
    'QUEUED',
  ];
  return align([head, ...lines.map(toCells)]);
}

function toJson({ organization, item }: ReviewLine) {
  const { itemId, status, priority, category, source, queuedBy, claimedByName, reviews, reviewsNeeded } = item;
  return {
    ...{ organization, item_id: itemId, status, priority, category, source, queued_by: queuedBy },
    ...{ claimed_by: claimedByName, reviews, reviews_needed: reviewsNeeded, approved: item.approved },
    edited: item.edited,
    created_at: item.createdAt.toISOString(),
    claimed_until: item.claimedUntil?.toISOString() ?? null,
    reviewed_at: item.reviewedAt?.toISOString() ?? null,
  };
}

function toCells({ organization, item }: ReviewLine): string[] {
  const { itemId, status, priority, category, source, claimedByName, reviews, reviewsNeeded } = item;
  return [
    ...[organization, itemId, status, String(priority), category, source, claimedByName ?? ''],
    ...[`${reviews}/${reviewsNeeded}`, outcomeOf(item), item.createdAt.toISOString().replace(/\.\d+Z$/, 'Z')],
  ].map(toLine);
}

function outcomeOf({ approved, edited }: ReviewItemRow): string {
  if (approved === null) return '';
  if (!approved) return 'rejected';
  return edited ? 'approved, edited' : 'approved';
}
