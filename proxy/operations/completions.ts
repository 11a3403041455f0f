import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/completions`, the predecessor of chat. It continues a prompt, which has no instructions. */
export const completions: Operation = {
  ...plain,
  name: 'completions',
  surface: 'completions',
  path: '/completions',
};
