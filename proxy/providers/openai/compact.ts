import type { WireFormat } from '../wire-format.ts';
import { plainFormat } from './plain-format.ts';
import { readResponse } from './responses.ts';

/** `POST /v1/responses/compact`: a long conversation in fewer tokens. Its answer is a response that has no status. */
export const compact: WireFormat = {
  ...plainFormat,
  path: '/responses/compact',
  read: readResponse,
};
