import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/completions`, the predecessor of chat: a prompt is continued, and nothing in it is an instruction. */
export const completions: Operation = {
  ...plain,
  name: 'completions',
  surface: 'completions',
  path: '/completions',
};
