import type { Operation } from './operation.ts';

/** `POST /v1/responses`. */
export const responses: Operation = {
  name: 'responses',
  surface: 'responses',
  path: '/responses',
  required: [],
  applyPersona: (body, persona) => ({
    ...(persona.model === undefined ? {} : { model: persona.model }),
    ...persona.parameters,
    ...body,
    instructions: persona.content,
  }),
  runsInBackground: (body) => body.background === true,
};
