import { chat as openAiChat } from '../openai/chat.ts';
import type { WireFormat } from '../wire-format.ts';
import { toChatError, toCompletion } from './chat/answer.ts';
import { askByMessage } from './chat/ask.ts';
import { ChatChunks } from './chat/events.ts';

/** Chat completions, carried by the Messages API. What comes back is read as a chat completion. */
export const chat: WireFormat = {
  ...openAiChat,
  path: '/messages',
  translation: {
    ask: askByMessage,
    takesUsageOption: false,
    answer: toCompletion,
    error: toChatError,
    stream: () => new ChatChunks(),
  },
};
