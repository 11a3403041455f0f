import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/audio/speech`. */
export const speech: Operation = {
  ...plain,
  name: 'speech',
  surface: 'audio',
  path: '/audio/speech',
  required: ['input'],
};
