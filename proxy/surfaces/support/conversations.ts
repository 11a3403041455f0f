import { type Static, Type } from 'typebox';
import type { GovernanceContext } from '../../governance/context.ts';
import {
  escalationReasons,
  getSupportConversation,
  listSupportConversations,
  type SupportConversation,
  type SupportMessage,
} from '../../governance/support/conversations.ts';
import { readers } from '../../http/described.ts';
import { page, paging } from '../../http/paging.ts';
import type { Route } from '../../http/route.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { agent, channel, confidence, conversationId, params, reason, sources, status, tags, userId } from './fields.ts';
import { route } from './route.ts';
import { SourceArticles, showSourceArticles } from './source-articles.ts';
import { forVisitors, showVisitor } from './visitors.ts';

export const described = {
  conversation_id: conversationId,
  user_id: Type.String(),
  channel: Type.String(),
  status,
  reason,
  assigned_agent: agent,
  language: Nullable(Type.String(), 'The customer’s, as ISO 639-1; null: not known.'),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  message_count: Type.Integer(),
  rating: Nullable(Type.Integer(), 'From 1 to 5; null: the customer has said nothing.'),
  cost_usd: Type.Number({ description: 'Of all answers; unpriced calls are not in it.' }),
  created_at: Timestamp,
  updated_at: Timestamp,
  resolved_at: Nullable(Timestamp),
};

/** Visitors do not get it. */
const ofStaff = { metadata: Type.Optional(described.metadata), cost_usd: Type.Optional(described.cost_usd) };

const ShownMessage = Type.Object({
  id: Type.String(),
  sender: Type.Enum(['user', 'ai', 'agent']),
  content: Type.String(),
  status: Type.Enum(['pending', 'completed', 'failed', 'withheld', 'interrupted'], {
    description:
      '`interrupted`: what was to answer has died; `failed`: there is no answer (`error_code`); `withheld`: it was not given, or a guardrail did not let it pass. The conversation can go on in each case.',
  }),
  confidence: Type.Optional(confidence),
  sources: Type.Optional(sources),
  source_articles: Type.Optional(SourceArticles),
  error_code: Type.Optional(Type.String()),
  timestamp: Timestamp,
});

export const conversationRoutes: readonly Route<GovernanceContext>[] = [
  route(
    'GET',
    '/conversations/:conversation_id',
    {
      tags,
      summary: 'Get a conversation',
      description:
        'With its messages in their order, the latest 10,000. A visitor gets it without `metadata` and `cost_usd`.',
      params,
      problems: ['conversation_not_found', 'store_unavailable'],
      response: { 200: Type.Object({ ...described, ...ofStaff, messages: Type.Array(ShownMessage) }) },
    },
    async ({ caller, params: { conversation_id: id } }, context) => {
      const { conversation, messages } = await getSupportConversation(context, caller, id);
      const articlesOf = await showSourceArticles(
        context,
        messages.flatMap(({ sources: from }) => from),
      );
      const shown = messages.map((message) => showMessage(message, articlesOf(message.sources)));
      return showVisitor(caller, { ...showConversation(conversation), messages: shown });
    },
    forVisitors,
  ),
  route(
    'GET',
    '/conversations',
    {
      tags,
      summary: 'List conversations',
      description: 'For the desk’s staff; those that changed last first.',
      querystring: Type.Object({
        status: Type.Optional(status),
        channel: Type.Optional(channel),
        user_id: Type.Optional(userId),
        assigned_agent: Type.Optional(Type.String({ maxLength: 255 })),
        reason: Type.Optional(Type.Enum(escalationReasons)),
        ...paging,
      }),
      problems: ['role_required', 'store_unavailable'],
      roles: readers,
      response: { 200: Type.Object({ conversations: Type.Array(Type.Object(described)), ...page }) },
    },
    async ({ caller, query }, context) => {
      const { limit, offset, user_id: user, assigned_agent: assignedAgent, ...others } = query;
      const question = { ...others, user, assignedAgent };
      const { items, total } = await listSupportConversations(context, caller, question, { limit, offset });
      return { conversations: items.map(showConversation), total, limit, offset };
    },
  ),
];

export function showConversation(
  conversation: SupportConversation,
): Static<ReturnType<typeof Type.Object<typeof described>>> {
  const { conversationId: id, user, channel: by, status: now, reason: why, assignedAgent, rating } = conversation;
  return {
    ...{ conversation_id: id, user_id: user, channel: by, status: now, reason: why, assigned_agent: assignedAgent },
    language: conversation.language,
    metadata: { ...conversation.metadata },
    message_count: conversation.messages,
    rating,
    cost_usd: Number(conversation.costUsd),
    created_at: conversation.createdAt.toISOString(),
    updated_at: conversation.updatedAt.toISOString(),
    resolved_at: conversation.resolvedAt?.toISOString() ?? null,
  };
}

function showMessage(message: SupportMessage, articles: Static<typeof SourceArticles>): Static<typeof ShownMessage> {
  const { messageId: id, sender, content, status: now, confidence: sure, sources: from, errorCode } = message;
  return {
    ...{ id, sender, content, status: now },
    ...(sure !== null && { confidence: Math.round(sure * 100) / 100, sources: [...from], source_articles: articles }),
    ...(errorCode !== null && { error_code: errorCode }),
    timestamp: (message.completedAt ?? message.createdAt).toISOString(),
  };
}
