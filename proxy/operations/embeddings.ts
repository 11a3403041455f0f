import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/embeddings`. */
export const embeddings: Operation = {
  ...plain,
  name: 'embeddings',
  surface: 'embeddings',
  path: '/embeddings',
  required: ['input'],
};
