import { Type } from 'typebox';
import { escalationReasons, supportStatuses } from '../../governance/support/conversations.ts';
import { notBlank } from '../../http/not-blank.ts';
import { Nullable } from '../../http/schemas.ts';

// What requests and answers about conversations have in common.

export const tags = ['Support conversations'];
export const conversationId = Type.String({ maxLength: 64, description: 'It begins with `conv_`.' });
export const params = Type.Object({ conversation_id: conversationId });
export const userId = Type.String({ pattern: notBlank, maxLength: 255, description: 'The customer, by your id.' });
export const channel = Type.String({
  pattern: notBlank,
  maxLength: 64,
  description: 'Such as `chat`, `email` or `api`.',
});
export const status = Type.Enum(supportStatuses, {
  description: '`escalated`: a human has it, and no machine answers until it is `active` again.',
});
export const reason = Nullable(Type.Enum(escalationReasons), 'Why it was handed over last.');
export const agent = Nullable(Type.String(), 'Who has it, by the rota of the organization.');
export const confidence = Type.Number({ description: 'How likely the answer is right, from 0 to 1.' });
export const sources = Type.Array(Type.String(), { description: 'Ids of the articles that the answer comes from.' });
