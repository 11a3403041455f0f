import { type Static, Type } from 'typebox';
import type {
  ReviewComment,
  ReviewDecision,
  ReviewedItem,
  ReviewItem,
} from '../../governance/insights/review/items.ts';
import { notBlank } from '../../http/not-blank.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';

/** What items of the review queue have, as requests state and answers show it. */

export const itemId = Type.String({ maxLength: 64, description: 'It begins with `rev-`.' });
export const category = Type.String({ pattern: notBlank, maxLength: 100, description: 'Such as `investment_advice`.' });
export const priority = Type.Integer({ minimum: 1, maximum: 5, description: 'From 1, the most urgent, to 5.' });
export const status = Type.Enum(['queued', 'in_review', 'reviewed'], {
  description: '`in_review`: a reviewer has claimed it.',
});
/** External id of a user. */
const user = Nullable(Type.String(), 'Null: the user was erased.');
const metadata = Type.Record(Type.String(), Type.Unknown());

export const Item = Type.Object({
  item_id: itemId,
  status,
  category: Type.String(),
  priority: Type.Integer(),
  source: Type.Enum(['api', 'generation', 'guardrail'], { description: 'What has queued it.' }),
  query: Type.String(),
  response: Type.String(),
  metadata,
  queued_by: user,
  claimed_by: Nullable(Type.String(), 'The reviewer who has it; null: nobody.'),
  claimed_until: Nullable(Timestamp),
  reviews: Type.Integer({ description: 'How many reviewers have decided.' }),
  reviews_needed: Type.Integer({ description: 'How many must agree: 1 or 2. Where two disagree, a third decides.' }),
  approved: Nullable(Type.Boolean(), 'Null: it is not decided.'),
  edited: Type.Boolean({ description: 'Whether a reviewer who approves it has edited it.' }),
  final_response: Nullable(Type.String(), 'The answer as it was edited; null: it is not approved, or not yet.'),
  held_by: Nullable(Type.String(), 'The guardrail that keeps the answer from its caller until it is released.'),
  held_until: Nullable(Timestamp, 'When a held answer counts as rejected, if nobody has decided.'),
  comment_count: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
  reviewed_at: Nullable(Timestamp),
});

export const Comment = Type.Object({
  number: Type.Integer(),
  author_id: user,
  text: Type.String(),
  created_at: Timestamp,
});

const Decision = Type.Object({
  reviewer_id: user,
  approved: Type.Boolean(),
  feedback: Nullable(Type.String()),
  edits: Nullable(
    Type.Object({
      modified_response: Type.String(),
      diff: Type.Array(Type.Object({ op: Type.Enum(['equal', 'insert', 'delete']), text: Type.String() }), {
        description: 'What was changed, by words.',
      }),
    }),
  ),
  decided_at: Timestamp,
});

export const WholeItem = Type.Object({
  ...Item.properties,
  decisions: Type.Array(Decision, {
    description: 'For staff. Those of others are hidden until the item is decided, but from admins.',
  }),
  comments: Type.Array(Comment, { description: 'For staff.' }),
});

export function showItem(item: ReviewItem): Static<typeof Item> {
  return {
    ...{ item_id: item.itemId, status: item.status, category: item.category, priority: item.priority },
    ...{ source: item.source, query: item.query, response: item.response, metadata: { ...item.metadata } },
    ...{ queued_by: item.queuedBy, claimed_by: item.claimedByName },
    claimed_until: item.claimedUntil?.toISOString() ?? null,
    ...{ reviews: item.reviews, reviews_needed: item.reviewsNeeded, approved: item.approved, edited: item.edited },
    ...{ final_response: item.finalResponse, held_by: item.guardrail },
    held_until: item.heldUntil?.toISOString() ?? null,
    comment_count: item.comments,
    created_at: item.createdAt.toISOString(),
    updated_at: item.updatedAt.toISOString(),
    reviewed_at: item.reviewedAt?.toISOString() ?? null,
  };
}

export function showWhole({ item, decisions, comments }: ReviewedItem): Static<typeof WholeItem> {
  return { ...showItem(item), decisions: decisions.map(showDecision), comments: comments.map(showComment) };
}

function showDecision({ reviewer, approved, feedback, edits, decidedAt }: ReviewDecision): Static<typeof Decision> {
  return {
    ...{ reviewer_id: reviewer, approved, feedback },
    edits: edits && { modified_response: edits.modifiedResponse, diff: edits.diff.map((part) => ({ ...part })) },
    decided_at: decidedAt.toISOString(),
  };
}

export function showComment({ number, author, text, createdAt }: ReviewComment): Static<typeof Comment> {
  return { number, author_id: author, text, created_at: createdAt.toISOString() };
}
