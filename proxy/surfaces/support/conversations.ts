import { type Static, Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import {
  escalationReasons,
  getSupportConversation,
  listSupportConversations,
  type SupportConversation,
  type SupportMessage,
  supportStatuses,
} from '../../governance/support/conversations.ts';
import { makeConverse } from '../../governance/support/converse.ts';
import type { SupportAnswer } from '../../governance/support/desk.ts';
import { notBlank } from '../../http/not-blank.ts';
import { page, paging } from '../../http/paging.ts';
import type { Route } from '../../http/route.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';
import { streamAnswer } from './stream.ts';
import { forVisitors, nameVisitor, requireNoClaims, showVisitor } from './visitors.ts';

export const tags = ['Support conversations'];
export const conversationId = Type.String({ maxLength: 64, description: 'It begins with `conv_`.' });
export const params = Type.Object({ conversation_id: conversationId });
const userId = Type.String({ pattern: notBlank, maxLength: 255, description: 'The customer, by your id.' });
const orVisitor = 'The customer, by your id. With a public key, it is the visitor, and may be left out.';
const channel = Type.String({ pattern: notBlank, maxLength: 64, description: 'Such as `chat`, `email` or `api`.' });
export const status = Type.Enum(supportStatuses, {
  description: '`escalated`: a human has it, and no machine answers until it is `active` again.',
});
export const reason = Nullable(Type.Enum(escalationReasons), 'Why it was handed over last.');
export const agent = Nullable(Type.String(), 'Who has it, by the rota of the organization.');
const confidence = Type.Number({ description: 'How likely the answer is right, from 0 to 1.' });
const sources = Type.Array(Type.String(), { description: 'Ids of the articles that the answer comes from.' });

const Message = Type.Object(
  {
    message: Type.String({ pattern: notBlank, maxLength: 20_000 }),
    user_id: Type.String({ ...userId, description: orVisitor }),
    channel: Type.Optional(channel),
    conversation_id: Type.Optional(conversationId),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        maxProperties: 50,
        description:
          'Further facts about the customer. They are kept from the first message, and no model gets them. Not with a public key.',
      }),
    ),
    stream: Type.Optional(Type.Boolean({ description: 'Answer by server-sent events.' })),
    sender: Type.Optional(
      Type.Enum(['user', 'agent'], {
        description: '`agent`: what a human of the desk answers, for reviewers and admins.',
      }),
    ),
  },
  {
    additionalProperties: false,
    example: {
      message: 'How do I reset my password?',
      user_id: 'user_12345',
      channel: 'chat',
      metadata: { user_email: 'customer@example.com', user_name: 'John Doe' },
    },
  },
);

export const answerProblems: readonly ProblemCode[] = [
  'conversation_not_found',
  'user_mismatch',
  'user_inactive',
  'role_required',
  'public_key_not_allowed',
  'contents_not_stored',
  'model_not_allowed',
  'surface_not_allowed',
  'no_api_key',
  'limit_reached',
  'insufficient_quota',
  'quota_unavailable',
  'guardrail_blocked',
  'guardrail_unavailable',
  'spool_full',
  'spool_unwritable',
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_interrupted',
  'upstream_invalid_response',
  'upstream_refused',
  'upstream_incomplete',
  'upstream_rate_limited',
  'upstream_error',
  'store_unavailable',
];

const answered = {
  conversation_id: conversationId,
  message_id: Type.String(),
  response: Type.String({ description: 'What the customer reads.' }),
  confidence,
  sources,
  escalated: Type.Boolean(),
  status,
  reason,
  assigned_agent: agent,
  timestamp: Timestamp,
};

/** `POST /api/v1/conversations`. All requests of a process share what keeps messages in order. */
export const postMessage: Route<GovernanceContext> = (app, context) => {
  const converse = makeConverse(context);
  app.route({
    method: 'POST',
    url: '/conversations',
    config: forVisitors,
    preValidation: nameVisitor,
    schema: {
      tags,
      summary: 'Begin a conversation, or say something in one',
      description:
        'The answer comes from the knowledge base, or says that it does not know. With `conversation_id` the message continues that conversation. With `stream`, there are the events `message`, `delta` (more of the answer), and `done` (the whole answer) or `error`.',
      body: Message,
      problems: answerProblems,
      response: {
        200: Type.Object(answered, {
          example: {
            conversation_id: 'conv_5f0c2a8d3b7e4f6a9c1d2e3f',
            message_id: 'msg_0b7e4f6a9c1d2e3f5f0c2a8d',
            response: 'To reset your password, choose “Forgot Password” on the login page…',
            confidence: 0.92,
            sources: ['kb_5f0c2a8d3b7e4f6a9c1d2e3f'],
            ...{ escalated: false, status: 'active', reason: null, assigned_agent: null },
            timestamp: '2026-01-12T15:30:00.000Z',
          },
        }),
      },
    },
    async handler({ body, caller, callContext, id }, reply) {
      requireNoClaims(caller, body.metadata);
      const { message, user_id: user, channel: by = 'api', metadata = {}, sender = 'user' } = body;
      const asked = { message, user, channel: by, metadata, sender, conversationId: body.conversation_id };
      if (!body.stream) return showAnswer(await converse(callContext, asked));
      const stream = await streamAnswer((listener) => converse(callContext, asked, listener), id, showAnswer);
      reply.headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' });
      // The schema is that of the whole answer.
      return reply.send(stream as never);
    },
  });
};

export const described = {
  conversation_id: conversationId,
  user_id: Type.String(),
  channel: Type.String(),
  status,
  reason,
  assigned_agent: agent,
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
  error_code: Type.Optional(Type.String()),
  timestamp: Timestamp,
});

export const conversationRoutes: readonly Route<GovernanceContext>[] = [
  postMessage,
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
      return showVisitor(caller, { ...showConversation(conversation), messages: messages.map(showMessage) });
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

function showAnswer(answer: SupportAnswer): Static<ReturnType<typeof Type.Object<typeof answered>>> {
  return {
    conversation_id: answer.conversationId,
    message_id: answer.messageId,
    response: answer.response,
    confidence: answer.confidence,
    sources: [...answer.sources],
    escalated: answer.status === 'escalated',
    status: answer.status,
    reason: readReason(answer.reason),
    assigned_agent: answer.assignedAgent,
    timestamp: answer.at.toISOString(),
  };
}

const readReason = (text: string | null) => escalationReasons.find((one) => one === text) ?? null;

export function showConversation(
  conversation: SupportConversation,
): Static<ReturnType<typeof Type.Object<typeof described>>> {
  const { conversationId: id, user, channel: by, status: now, reason: why, assignedAgent, rating } = conversation;
  return {
    ...{ conversation_id: id, user_id: user, channel: by, status: now, reason: why, assigned_agent: assignedAgent },
    metadata: { ...conversation.metadata },
    message_count: conversation.messages,
    rating,
    cost_usd: Number(conversation.costUsd),
    created_at: conversation.createdAt.toISOString(),
    updated_at: conversation.updatedAt.toISOString(),
    resolved_at: conversation.resolvedAt?.toISOString() ?? null,
  };
}

function showMessage(message: SupportMessage): Static<typeof ShownMessage> {
  const { messageId: id, sender, content, status: now, confidence: sure, sources: from, errorCode } = message;
  return {
    ...{ id, sender, content, status: now },
    ...(sure !== null && { confidence: Math.round(sure * 100) / 100, sources: [...from] }),
    ...(errorCode !== null && { error_code: errorCode }),
    timestamp: (message.completedAt ?? message.createdAt).toISOString(),
  };
}
