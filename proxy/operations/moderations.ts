import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/moderations`. */
export const moderations: Operation = {
  ...plain,
  name: 'moderations',
  surface: 'moderations',
  path: '/moderations',
  required: ['input'],
  modelIsOptional: true,
};
