import { Readable } from 'node:stream';
import type { SupportListener } from '../../governance/support/desk.ts';
import { toProxyError } from '../../http/envelope.ts';
import { noteStreamStatus } from '../../http/idempotency/stream-status.ts';
import { supportEnvelope } from './envelope.ts';

const aliveMs = 15_000;

/**
 * Answers by server-sent events. A message that is refused before it is stored is refused as any request.
 *
 * @param answer resolves with the last event's data
 * @returns the events, when the message is stored
 */
export async function streamAnswer(
  answer: (listener: SupportListener) => Promise<object>,
  requestId: string,
): Promise<Readable> {
  const stream = new Readable({ read() {} });
  const alive = setInterval(() => stream.push(':\n\n'), aliveMs).unref();
  stream.once('close', () => clearInterval(alive));
  const send = (event: string, data: object) => {
    if (!stream.destroyed) stream.push(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const begun = Promise.withResolvers<void>();
  const end = () => {
    clearInterval(alive);
    if (!stream.destroyed) stream.push(null);
  };
  const answered = answer({
    begun({ conversationId, messageId }) {
      send('message', { conversation_id: conversationId, message_id: messageId });
      begun.resolve();
    },
    text: (text) => send('delta', { text }),
  });
  answered
    .then(
      (shown) => send('done', shown),
      (error: unknown) => {
        begun.reject(error);
        const problem = toProxyError(error);
        noteStreamStatus(stream, problem.status);
        send('error', supportEnvelope.show(problem, requestId));
      },
    )
    .finally(end);
  await begun.promise;
  return stream;
}
