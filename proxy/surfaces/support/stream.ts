import type { Readable } from 'node:stream';
import type { SupportListener } from '../../governance/support/desk.ts';
import { streamEvents } from '../../http/event-stream.ts';
import { supportEnvelope } from './envelope.ts';

/**
 * Answers by server-sent events. A message that is refused before it is stored is refused as any request.
 *
 * @param answer resolves with the last event's data
 * @returns the events, when the message is stored
 */
export function streamAnswer(
  answer: (listener: SupportListener) => Promise<object>,
  requestId: string,
): Promise<Readable> {
  return streamEvents(
    ({ send, begin }) =>
      answer({
        begun({ conversationId, messageId }) {
          send('message', { conversation_id: conversationId, message_id: messageId });
          begin();
        },
        text: (text) => send('delta', { text }),
      }),
    (problem) => supportEnvelope.show(problem, requestId),
  );
}
