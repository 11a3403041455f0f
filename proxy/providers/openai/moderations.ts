import type { WireFormat } from '../wire-format.ts';
import { readPlain } from './plain-answer.ts';
import { plainFormat } from './plain-format.ts';

/** `POST /v1/moderations`. OpenAI reports no usage for it. */
export const moderations: WireFormat = {
  ...plainFormat,
  path: '/moderations',
  read: readPlain,
};
