import { Type } from 'typebox';
import { changeConversation } from '../../governance/support/change.ts';
import { rateConversation } from '../../governance/support/rate.ts';
import { notBlank } from '../../http/not-blank.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { described, showConversation } from './conversations.ts';
import { conversationId, params, status, tags } from './fields.ts';
import { route } from './route.ts';
import { forVisitors } from './visitors.ts';

const strict = { additionalProperties: false };
const rating = Type.Integer({ minimum: 1, maximum: 5 });

/** What is done with a conversation, beside talking. */
export const changeRoutes = [
  route(
    'PATCH',
    '/conversations/:conversation_id',
    {
      tags,
      summary: 'Hand a conversation over, give it back, or end it',
      description:
        '`escalated`: a human has it, and no machine answers. `active`: the machine has it again. Naming an agent and giving back are for reviewers and admins.',
      params,
      body: Type.Object(
        {
          status: Type.Optional(status),
          assigned_agent: Type.Optional(
            Nullable(
              Type.String({ pattern: notBlank, maxLength: 255 }),
              'Absent in a hand-over: the next one on the rota.',
            ),
          ),
        },
        { ...strict, example: { status: 'resolved' } },
      ),
      problems: ['conversation_not_found', 'role_required', 'store_unavailable'],
      roles: 'everyone for their own conversations; reviewer or admin to name an agent or to give back',
      response: { 200: Type.Object(described) },
    },
    async ({ caller, params: { conversation_id: id }, body }, context) => {
      const change = { status: body.status, assignedAgent: body.assigned_agent };
      return showConversation(await changeConversation(context, caller, id, change));
    },
  ),
  route(
    'POST',
    '/conversations/:conversation_id/feedback',
    {
      tags,
      summary: 'Rate a conversation',
      description: 'A second rating takes the place of the first.',
      params,
      body: Type.Object(
        { rating, comment: Type.Optional(Type.String({ maxLength: 5_000 })) },
        { ...strict, example: { rating: 5, comment: 'Quick and right.' } },
      ),
      problems: ['conversation_not_found', 'store_unavailable'],
      response: { 200: Type.Object({ conversation_id: conversationId, rating, timestamp: Timestamp }) },
    },
    async ({ caller, params: { conversation_id: id }, body: { rating: stars, comment } }, context) => {
      const at = await rateConversation(context, caller, id, { rating: stars, comment });
      return { conversation_id: id, rating: stars, timestamp: at.toISOString() };
    },
    forVisitors,
  ),
];
