import { type Static, Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import { escalationReasons } from '../../governance/support/conversations.ts';
import { makeConverse } from '../../governance/support/converse.ts';
import type { SupportAnswer, SupportListener } from '../../governance/support/desk.ts';
import { setEventHeaders } from '../../http/event-stream.ts';
import { notBlank } from '../../http/not-blank.ts';
import type { Route } from '../../http/route.ts';
import { Timestamp } from '../../http/schemas.ts';
import { agent, channel, confidence, conversationId, reason, sources, status, tags, userId } from './fields.ts';
import { SourceArticles, showSourceArticles } from './source-articles.ts';
import { streamAnswer } from './stream.ts';
import { forVisitors, nameVisitor, requireNoClaims } from './visitors.ts';

const orVisitor = 'The customer, by your id. With a public key, it is the visitor, and may be left out.';

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

const answerProblems: readonly ProblemCode[] = [
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
  'answer_held',
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
  source_articles: SourceArticles,
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
      answers: { 200: { content: { 'text/event-stream': {} } } },
      roles: 'everyone for themselves; analyst, reviewer or admin for any customer; reviewer or admin as an agent',
      response: {
        200: Type.Object(answered, {
          example: {
            conversation_id: 'conv_5f0c2a8d3b7e4f6a9c1d2e3f',
            message_id: 'msg_0b7e4f6a9c1d2e3f5f0c2a8d',
            response: 'To reset your password, choose “Forgot Password” on the login page…',
            confidence: 0.92,
            sources: ['kb_5f0c2a8d3b7e4f6a9c1d2e3f'],
            source_articles: [
              {
                article_id: 'kb_5f0c2a8d3b7e4f6a9c1d2e3f',
                title: 'Password Reset Guide',
                url: 'https://help.example.com/password',
              },
            ],
            ...{ escalated: false, status: 'active', reason: null, assigned_agent: null },
            timestamp: '2026-01-12T15:30:00.000Z',
          },
        }),
      },
    },
    async handler(request, reply) {
      const { body, caller, callContext, id } = request;
      requireNoClaims(caller, body.metadata);
      const { message, user_id: user, channel: by = 'api', metadata = {}, sender = 'user' } = body;
      const asked = { message, user, channel: by, metadata, sender, conversationId: body.conversation_id };
      const answer = async (listener?: SupportListener) => {
        const given = await converse(callContext, asked, listener);
        const ahead = { ...context, store: context.store.ahead };
        const articlesOf = await showSourceArticles(ahead, given.sources);
        // Its calls are recorded in the session of the conversation.
        request.caller = { ...caller, sessionId: given.conversationId };
        return showAnswer(given, articlesOf(given.sources));
      };
      if (!body.stream) return answer();
      const stream = await streamAnswer((listener) => {
        const begun: SupportListener['begun'] = (turn) => {
          request.caller = { ...caller, sessionId: turn.conversationId };
          listener.begun(turn);
        };
        return answer({ ...listener, begun });
      }, id);
      setEventHeaders(reply);
      // The schema is that of the whole answer.
      return reply.send(stream as never);
    },
  });
};

function showAnswer(
  answer: SupportAnswer,
  articles: Static<typeof SourceArticles>,
): Static<ReturnType<typeof Type.Object<typeof answered>>> {
  return {
    conversation_id: answer.conversationId,
    message_id: answer.messageId,
    response: answer.response,
    confidence: answer.confidence,
    sources: [...answer.sources],
    source_articles: articles,
    escalated: answer.status === 'escalated',
    status: answer.status,
    reason: readReason(answer.reason),
    assigned_agent: answer.assignedAgent,
    timestamp: answer.at.toISOString(),
  };
}

const readReason = (text: string | null) => escalationReasons.find((one) => one === text) ?? null;
