import type { Operation } from './operation.ts';
import { plain } from './plain.ts';
import { readResponse } from './responses.ts';

/** `POST /v1/responses/compact`: a long conversation in fewer tokens. Its answer is a response that has no status. */
export const compact: Operation = {
  ...plain,
  name: 'compact',
  surface: 'responses',
  path: '/responses/compact',
  applyPersona: (body, persona) => ({
    ...(persona.model === undefined ? {} : { model: persona.model }),
    ...body,
    instructions: persona.content,
  }),
  read: readResponse,
};
