import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/batches`. Its lines are calls of their own, which the provider makes later and bills as one. */
export const batches: Operation = {
  ...plain,
  name: 'batches',
  surface: 'batches',
  path: '/batches',
  required: ['input_file_id', 'endpoint'],
  modelIsOptional: true,
  runsInBackground: () => true,
};
