import { type Static, Type } from 'typebox';
import { type Conversation, getConversation, listConversations } from '../../governance/conversations/conversations.ts';
import { readBranchMessages } from '../../governance/conversations/messages.ts';
import type { Branch } from '../../governance/conversations/tree.ts';
import { ownOrReaders } from '../../http/described.ts';
import { page, paging } from '../../http/paging.ts';
import { Nullable, Timestamp, Uuid } from '../../http/schemas.ts';
import { route } from './route.ts';

const BranchId = Type.String({ description: '`main`, or `branch-` and eight digits, as in X-Branch-ID.' });

const fields = {
  conversationId: Type.String({ format: 'uuid', description: 'As in X-Conversation-ID.' }),
  user: Nullable(Type.String(), 'The id that applications send as X-User-ID.'),
  sessionId: Type.String({ description: 'Of its first call.' }),
  startedAt: Timestamp,
  lastCallAt: Timestamp,
  calls: Type.Integer({ description: 'Failed and repeated ones are among them.' }),
  branches: Type.Integer({ description: 'How many branches it has, `main` included.' }),
  totalTokens: Type.Integer(),
  costUsd: Type.Number({ description: 'Without calls of unknown cost.' }),
  models: Type.Array(Type.String(), { description: 'The models that answered, at most 16.' }),
};

const ShownConversation = Type.Object(fields);

const ShownBranch = Type.Object({
  branchId: BranchId,
  parentBranchId: Nullable(Type.String(), 'The branch that it begins at. Null for `main`.'),
  forkedAfter: Nullable(Type.String(), 'The request id of the call after which it begins. Null for `main`.'),
  startedAt: Timestamp,
  lastCallAt: Timestamp,
  calls: Type.Integer({ description: 'On the branch itself.' }),
  messageCount: Type.Integer({ description: 'From the beginning of the conversation to the end of the branch.' }),
  totalTokens: Type.Integer({ description: 'Of the calls on the branch itself.' }),
});

const ShownMessage = Type.Object({
  role: Type.Enum(['user', 'tool', 'assistant']),
  text: Type.String({ description: 'The words, and the tools that the model calls as `name(arguments)`.' }),
  requestId: Type.String({ description: 'The call that said it, or that it answers.' }),
  at: Timestamp,
});

const Moment = (description: string) => Type.Optional(Type.String({ maxLength: 40, description }));

const list = route(
  'GET',
  '/conversations',
  {
    tags: ['Conversations'],
    summary: 'List conversations',
    description:
      'Those with the latest calls first: your own, or, for an analyst, reviewer or admin, those of the organization.',
    querystring: Type.Object({
      user: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Only this user’s.' })),
      session: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'Only those of this session.' })),
      model: Type.Optional(
        Type.String({ minLength: 1, maxLength: 200, description: 'Only those in which this model answered.' }),
      ),
      since: Moment('Only those with a call at this moment or later, such as 2027-01-31T12:00:00Z.'),
      until: Moment('Only those whose last call was before this moment.'),
      ...paging,
    }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: {
      200: Type.Object({
        conversations: Type.Array(ShownConversation),
        ...page,
        total: Type.Integer({ description: 'How many there are in all; 100,000 stands for that many or more.' }),
      }),
    },
  },
  async ({ caller, query: { limit, offset, ...question } }, context) => {
    const { items, total } = await listConversations(context, caller, question, { limit, offset });
    return { conversations: items.map(show), total, limit, offset };
  },
);

const get = route(
  'GET',
  '/conversations/:id',
  {
    tags: ['Conversations'],
    summary: 'Get a conversation with its branches and messages',
    description:
      'The tree of its branches, and what was said from its beginning to the end of one of them. Your own, or, for an analyst, reviewer or admin, any of the organization.',
    params: Type.Object({ id: Uuid }),
    querystring: Type.Object({
      branch: Type.Optional(
        Type.String({ minLength: 1, maxLength: 100, description: 'The branch whose messages are wanted: `main`.' }),
      ),
      messages: Type.Boolean({ default: true, description: 'Whether messages are wanted.' }),
      limit: Type.Integer({
        minimum: 1,
        maximum: 200,
        default: 50,
        description: 'How many calls of the branch are read for messages, the newest ones.',
      }),
    }),
    problems: ['conversation_not_found', 'records_pending', 'store_unavailable'],
    response: {
      200: Type.Object({
        ...fields,
        tree: Type.Array(ShownBranch, { description: 'Its branches, in the order in which they began.' }),
        isWhole: Type.Boolean({ description: 'Whether the tree has all calls; otherwise it has the newest 2,000.' }),
        branchId: BranchId,
        messages: Nullable(Type.Array(ShownMessage), 'In their order. Null where they were not asked for.'),
        missingCalls: Type.Integer({ description: 'How many of these calls have no stored contents.' }),
        omittedCalls: Type.Integer({ description: 'How many earlier calls of the branch `limit` leaves out.' }),
      }),
    },
  },
  async ({ caller, params: { id }, query: { branch, messages, limit } }, context) => {
    const found = await getConversation(context, caller, id, branch);
    const branchId = branch ?? 'main';
    const said = messages ? await readBranchMessages(context, found, branchId, limit) : undefined;
    return {
      ...show(found),
      tree: found.tree.map(showBranch),
      isWhole: found.isWhole,
      branchId,
      messages: said?.messages.map((message) => ({ ...message, at: message.at.toISOString() })) ?? null,
      missingCalls: said?.missingCalls ?? 0,
      omittedCalls: said?.omittedCalls ?? 0,
    };
  },
);

export const conversationRoutes = [list, get];

function show(row: Conversation): Static<typeof ShownConversation> {
  const { conversationId, user, sessionId, firstCallAt, lastCallAt, calls, branches, totalTokens, costUsd, models } =
    row;
  return {
    conversationId,
    user,
    sessionId,
    startedAt: firstCallAt.toISOString(),
    lastCallAt: lastCallAt.toISOString(),
    calls,
    branches,
    totalTokens,
    costUsd: Number(costUsd),
    models: [...models],
  };
}

function showBranch({ startedAt, lastCallAt, ...branch }: Branch): Static<typeof ShownBranch> {
  return { ...branch, startedAt: startedAt.toISOString(), lastCallAt: lastCallAt.toISOString() };
}
