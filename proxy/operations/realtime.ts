import type { Operation } from './operation.ts';

/** A response in a session of `GET /v1/realtime`. The body of the checks is the session, or the response, with its model. */
export const realtime: Operation = {
  name: 'realtime',
  surface: 'realtime',
  path: '/realtime',
  required: [],
  applyPersona: (body, persona) => ({ ...persona.parameters, ...body, instructions: persona.content }),
  // A response is a turn of a conversation that the provider keeps for the session.
  effects: () => 'acts',
};

/** The opening of a session: a provider that does not open one has done nothing. */
export const realtimeOpening: Operation = { ...realtime, effects: () => 'none' };

/** A session that only transcribes: it names its model in its configuration, and makes no responses. */
export const realtimeTranscription: Operation = { ...realtime, modelIsOptional: true };
