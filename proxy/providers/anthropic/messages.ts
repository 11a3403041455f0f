import type { WireFormat } from '../wire-format.ts';
import { readMessage } from './message.ts';
import { makeMessageReader } from './message-reader.ts';

/** `POST /v1/messages`, as a client of Anthropic's own sends it. */
export const messages: WireFormat = {
  path: '/messages',
  passes: ['anthropic-version', 'anthropic-beta'],
  needsUsageOption: () => false,
  read: readMessage,
  readStream: ({ keepOutput }) => makeMessageReader(keepOutput),
};
