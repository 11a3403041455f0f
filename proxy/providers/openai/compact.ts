import type { WireFormat } from '../wire-format.ts';
import { plainFormat } from './plain-format.ts';
import { readResponse } from './responses.ts';

/**
 * `POST /v1/responses/compact`: compacts a long conversation into fewer tokens. The answer is a response without a
 * status.
 */
export const compact: WireFormat = {
  ...plainFormat,
  path: '/responses/compact',
  read: readResponse,
};
