import { readPlain } from '../providers/openai/plain-answer.ts';
import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/moderations`. OpenAI reports no usage for it. */
export const moderations: Operation = {
  ...plain,
  name: 'moderations',
  surface: 'moderations',
  path: '/moderations',
  required: ['input'],
  modelIsOptional: true,
  read: readPlain,
};
