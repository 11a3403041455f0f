import { asArray, asObject } from '../providers/json.ts';
import type { Operation } from './operation.ts';

/** `POST /v1/chat/completions`. */
export const chat: Operation = {
  name: 'chat',
  surface: 'chat',
  path: '/chat/completions',
  required: ['messages'],
  effects: (body) => (body.store === true ? 'stores' : 'none'),
  applyPersona: (body, persona) => ({
    ...(persona.model === undefined ? {} : { model: persona.model }),
    ...persona.parameters,
    ...body,
    messages: [
      { role: 'system', content: persona.content },
      ...asArray(body.messages).filter((message) => !instructs(message)),
    ],
  }),
};

/** Whether a message has instructions, which a persona replaces. In a chat these are the messages of certain roles. */
function instructs(message: unknown): boolean {
  const role = asObject(message)?.role;
  return role === 'system' || role === 'developer';
}
