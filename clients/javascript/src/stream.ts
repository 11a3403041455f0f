import type { OpenAnswer } from './attempt.ts';
import type { ChatEvent, ChatResponse } from './conversations.ts';
import { ChatConnectionError, ChatError, parseJson, readProblem, StreamError } from './errors.ts';
import { readChunks, readEvents, type ServerSentEvent } from './event-stream.ts';
import { toCamelCase } from './names.ts';
import type { Attempts } from './transport.ts';

/** An answer as the API has it, with names in camel case. */
export type WireAnswer = Omit<ChatResponse, 'answer'> & { readonly response: string };

export function toChatResponse({ response, ...answer }: WireAnswer): ChatResponse {
  return { ...answer, answer: response };
}

/**
 * Tells the events of an answer. Where the connection breaks, the server is asked for the same stream again, and only what
 * was not told yet is told.
 */
export async function* tellEvents(attempts: Attempts): AsyncGenerator<ChatEvent, void, undefined> {
  let told = 0;
  let messageId: string | undefined;
  for (;;) {
    try {
      let position = 0;
      for await (const event of readChatEvents(await attempts.next())) {
        if (event.type === 'message') messageId = requireSame(messageId, event.messageId);
        position += 1;
        if (position <= told) continue;
        told = position;
        yield event;
      }
      return;
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

/** A proxy that dies takes its answer along, and the repeated request is another message. */
function requireSame(former: string | undefined, now: string): string {
  if (former === undefined || former === now) return now;
  throw new ChatError('stream_interrupted', 'The connection broke, and the server has begun another answer');
}

/** Reads the events of an answer up to `done`. Ends the connection in any case. @throws {ChatError} */
async function* readChatEvents(answer: OpenAnswer): AsyncGenerator<ChatEvent, void, undefined> {
  for await (const event of readOpenEvents(answer)) {
    const shown = toChatEvent(event);
    if (shown) yield shown;
    if (shown?.type === 'done') return;
  }
  throw new ChatConnectionError('The stream has ended before the answer was whole');
}

/** Reads the events of an answer as long as its reader wants them. Ends the connection in any case. @throws {ChatError} */
export async function* readOpenEvents(answer: OpenAnswer): AsyncGenerator<ServerSentEvent, void, undefined> {
  const { body } = answer.response;
  try {
    yield* readEvents(watched(body ? readChunks(body) : [], answer.alive));
  } catch (error) {
    throw error instanceof ChatError ? error : answer.explain(error);
  } finally {
    answer.close();
  }
}

async function* watched(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  alive: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    alive();
    yield chunk;
  }
}

/** Undefined: an event of a later version. */
function toChatEvent({ event, data }: ServerSentEvent): ChatEvent | undefined {
  if (!['message', 'delta', 'done', 'error'].includes(event)) return undefined;
  const told = parseJson(data);
  if (event === 'error') {
    throw new StreamError(readProblem(told, { message: 'The answer has failed', requestId: undefined }));
  }
  const fields = toCamelCase(told);
  if (event === 'done') return { type: 'done', response: toChatResponse(fields as WireAnswer) };
  return { type: event, ...(fields as object) } as ChatEvent;
}
