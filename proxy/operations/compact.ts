import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/responses/compact`: a long conversation in fewer tokens. */
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
};
