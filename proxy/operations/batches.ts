import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/batches`. Its lines are separate calls, which the provider makes later and bills together. */
export const batches: Operation = {
  ...plain,
  name: 'batches',
  surface: 'batches',
  path: '/batches',
  required: ['input_file_id', 'endpoint'],
  modelIsOptional: true,
  effects: () => 'acts',
  runsInBackground: () => true,
};
