import { makeMessageReader } from '../anthropic/message-reader.ts';
import { messages } from '../anthropic/messages.ts';
import type { WireFormat } from '../wire-format.ts';
import { toMessage, toMessageError } from './messages/answer.ts';
import { askByChat, type LimitField } from './messages/ask.ts';
import { MessageEvents } from './messages/events.ts';

/** Messages of Anthropic's API, carried by chat completions. What comes back is read as a message. */
export function messagesByChat(limit: LimitField): WireFormat {
  const { passes: _, ...format } = messages;
  return {
    ...format,
    path: '/chat/completions',
    needsUsageOption: () => true,
    readStream: ({ keepOutput }) => makeMessageReader(keepOutput, false),
    translation: {
      ask: (body, provider) => askByChat(body, provider, limit),
      takesUsageOption: true,
      answer: toMessage,
      error: toMessageError,
      stream: () => new MessageEvents(),
    },
  };
}
