import { Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import { changeItem, claimItem, claimNext, reassignItem, releaseItem } from '../../governance/insights/review/claim.ts';
import { commentOnItem } from '../../governance/insights/review/comments.ts';
import { decideReview } from '../../governance/insights/review/decide.ts';
import { getReviewItem, listReviewItems } from '../../governance/insights/review/items.ts';
import { queueForReview, usualPriority } from '../../governance/insights/review/queue.ts';
import { readers } from '../../http/described.ts';
import { notBlank } from '../../http/not-blank.ts';
import { page, paging } from '../../http/paging.ts';
import type { Route } from '../../http/route.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { answer, Enveloped } from './answer.ts';
import {
  Comment,
  category,
  Item,
  itemId,
  priority,
  showComment,
  showItem,
  showWhole,
  status,
  WholeItem,
} from './review-fields.ts';
import { route } from './route.ts';

const tags = ['Review'];
const strict = { additionalProperties: false };
const text = Type.String({ pattern: notBlank, maxLength: 100_000 });
const feedback = Type.String({ maxLength: 10_000 });
const params = Type.Object({ item_id: itemId });
const reviewer = Type.String({ pattern: notBlank, maxLength: 255, description: 'As in X-User-ID.' });
const nothing = Type.Optional(Type.Union([Type.Null(), Type.Object({}, strict)]));

const changing: readonly ProblemCode[] = [
  ...(['surface_not_allowed', 'role_required', 'user_required', 'review_item_not_found'] as const),
  ...(['review_item_claimed', 'review_item_decided', 'store_unavailable'] as const),
];

const queue = route(
  'POST',
  '/review/queue',
  {
    tags,
    summary: 'Queue an answer for human review',
    description:
      '`metadata.customer_id` says whose words they are, so that they go when that user is erased. The estimate follows from how the queue has moved.',
    body: Type.Object(
      {
        query: text,
        response: text,
        category,
        priority: Type.Optional(Type.Integer({ ...priority, default: usualPriority })),
        metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { maxProperties: 100 })),
        double_review: Type.Optional(
          Type.Boolean({ description: 'Whether two reviewers must agree. Absent: as the organization says.' }),
        ),
      },
      {
        ...strict,
        example: {
          query: 'What stocks should I invest in for maximum returns?',
          response: 'Based on market trends, …',
          category: 'investment_advice',
          priority: 2,
          metadata: { customer_id: 'cust-789', interaction_id: 'int-456' },
        },
      },
    ),
    problems: ['surface_not_allowed', 'contents_not_stored', 'store_unavailable'],
    response: {
      200: Enveloped(
        Type.Object({ item_id: itemId, status: Type.Literal('queued'), estimated_review_time: Timestamp }),
      ),
    },
  },
  async ({ caller, body }, context) => {
    const { double_review: doubleReview, priority: urgency = usualPriority, metadata = {}, ...said } = body;
    const asked = { ...said, metadata, priority: urgency, doubleReview };
    const { itemId: id, estimatedAt } = await queueForReview(context, caller, asked);
    return answer({ item_id: id, status: 'queued' as const, estimated_review_time: estimatedAt.toISOString() });
  },
);

const decision = route(
  'POST',
  '/review/decision',
  {
    tags,
    summary: 'Decide about an item',
    description:
      'For reviewers. It needs no claim, but none of somebody else. `status` is `queued` where another reviewer must decide, too.',
    body: Type.Object(
      {
        item_id: itemId,
        approved: Type.Boolean(),
        feedback: Type.Optional(feedback),
        edits: Type.Optional(
          Type.Union([Type.Null(), Type.Object({ modified_response: Type.Optional(text) }, strict)]),
        ),
      },
      {
        ...strict,
        example: {
          item_id: 'rev-5f0c2a8d3b7e4f6a9c1d2e3f',
          approved: true,
          feedback: 'Response includes proper disclaimers and balanced advice',
          edits: { modified_response: 'Based on market trends, … However, all investments carry risk.' },
        },
      },
    ),
    problems: changing,
    roles: 'reviewer, admin',
    response: {
      200: Enveloped(
        Type.Object({
          item_id: itemId,
          status: Type.Enum(['queued', 'reviewed']),
          review_time: Timestamp,
          reviewer_id: Type.String(),
          approved: Nullable(Type.Boolean(), 'What the reviewers have come to; null: another one must decide.'),
        }),
      ),
    },
  },
  async ({ caller, body }, context) => {
    const { item_id: id, approved, feedback: said, edits } = body;
    const given = { itemId: id, approved, feedback: said, modifiedResponse: edits?.modified_response };
    const decided = await decideReview(context, caller, given);
    return answer({
      ...{ item_id: id, status: decided.status },
      review_time: decided.decidedAt.toISOString(),
      ...{ reviewer_id: decided.reviewer, approved: decided.approved },
    });
  },
);

const list = route(
  'GET',
  '/review/items',
  {
    tags,
    summary: 'List the review queue',
    description:
      'For reviewers and analysts. Open items in the order of their turn: the most urgent first, and of those the oldest. Then those that are decided, the latest first.',
    querystring: Type.Object({
      status: Type.Optional(status),
      category: Type.Optional(category),
      priority: Type.Optional(priority),
      claimed_by: Type.Optional(reviewer),
      ...paging,
    }),
    problems: ['surface_not_allowed', 'role_required', 'store_unavailable'],
    roles: readers,
    response: { 200: Enveloped(Type.Object({ items: Type.Array(Item), ...page })) },
  },
  async ({ caller, query }, context) => {
    const { limit, offset, claimed_by: claimedBy, ...others } = query;
    const { items, total } = await listReviewItems(context, caller, { ...others, claimedBy }, { limit, offset });
    return answer({ items: items.map(showItem), total, limit, offset });
  },
);

const one = route(
  'GET',
  '/review/items/:item_id',
  {
    tags,
    summary: 'Get an item',
    description:
      'For reviewers and analysts any, with what was decided and said; for others one that they have queued.',
    params,
    problems: ['surface_not_allowed', 'review_item_not_found', 'store_unavailable'],
    response: { 200: Enveloped(WholeItem) },
  },
  async ({ caller, params: { item_id: id } }, context) => answer(showWhole(await getReviewItem(context, caller, id))),
);

const change = route(
  'PATCH',
  '/review/items/:item_id',
  {
    tags,
    summary: 'Change the priority or the category of an item',
    params,
    body: Type.Object({ priority: Type.Optional(priority), category: Type.Optional(category) }, strict),
    problems: changing,
    roles: 'reviewer, admin',
    response: { 200: Enveloped(WholeItem) },
  },
  async ({ caller, params: { item_id: id }, body }, context) => {
    await changeItem(context, caller, id, body);
    return answer(showWhole(await getReviewItem(context, caller, id)));
  },
);

const next = route(
  'POST',
  '/review/claim',
  {
    tags,
    summary: 'Claim the item whose turn it is',
    description: 'The most urgent, and of those the oldest, that you have not decided about. No two reviewers get one.',
    body: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Object({ category: Type.Optional(category), priority: Type.Optional(priority) }, strict),
      ]),
    ),
    problems: ['surface_not_allowed', 'role_required', 'user_required', 'store_unavailable'],
    roles: 'reviewer, admin',
    response: { 200: Enveloped(Type.Object({ item: Nullable(WholeItem, 'Null: there is none.') })) },
  },
  async ({ caller, body }, context) => {
    const claimed = await claimNext(context, caller, body ?? {});
    return answer({ item: claimed ? showWhole(await getReviewItem(context, caller, claimed.itemId)) : null });
  },
);

const claim = route(
  'POST',
  '/review/items/:item_id/claim',
  {
    tags,
    summary: 'Claim an item',
    description:
      'For `spec.insights.review.leaseDuration`. Whoever has it claims it anew. Afterwards it is free again.',
    params,
    body: nothing,
    problems: changing,
    roles: 'reviewer, admin',
    response: { 200: Enveloped(WholeItem) },
  },
  async ({ caller, params: { item_id: id } }, context) => {
    await claimItem(context, caller, id);
    return answer(showWhole(await getReviewItem(context, caller, id)));
  },
);

const release = route(
  'POST',
  '/review/items/:item_id/release',
  {
    tags,
    summary: 'Give an item back',
    description: 'For whoever has claimed it, and for admins.',
    params,
    body: nothing,
    problems: changing,
    roles: 'reviewer, admin',
    response: { 200: Enveloped(WholeItem) },
  },
  async ({ caller, params: { item_id: id } }, context) => {
    await releaseItem(context, caller, id);
    return answer(showWhole(await getReviewItem(context, caller, id)));
  },
);

const reassign = route(
  'POST',
  '/review/items/:item_id/reassign',
  {
    tags,
    summary: 'Give an item to another reviewer',
    description: 'For whoever has claimed it, for reviewers if nobody has, and for admins. The claim begins anew.',
    params,
    body: Type.Object({ reviewer_id: reviewer }, { ...strict, example: { reviewer_id: 'bob@example.com' } }),
    problems: changing,
    roles: 'reviewer, admin',
    response: { 200: Enveloped(WholeItem) },
  },
  async ({ caller, params: { item_id: id }, body }, context) => {
    await reassignItem(context, caller, id, body.reviewer_id);
    return answer(showWhole(await getReviewItem(context, caller, id)));
  },
);

const comment = route(
  'POST',
  '/review/items/:item_id/comments',
  {
    tags,
    summary: 'Comment on an item',
    description: 'For reviewers and analysts.',
    params,
    body: Type.Object({ text: Type.String({ pattern: notBlank, maxLength: 10_000 }) }, strict),
    problems: ['surface_not_allowed', 'role_required', 'user_required', 'review_item_not_found', 'store_unavailable'],
    roles: readers,
    response: { 201: Enveloped(Comment) },
  },
  async ({ caller, params: { item_id: id }, body }, context) =>
    answer(showComment(await commentOnItem(context, caller, id, body.text)), 201),
);

export const reviewRoutes: readonly Route<GovernanceContext>[] = [
  ...[queue, decision, list, one, change],
  ...[next, claim, release, reassign, comment],
];
