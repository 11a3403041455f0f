import { ChatConnectionError, ChatError, parseJson, readProblem, StreamError } from '../errors.ts';
import type { ServerSentEvent } from '../event-stream.ts';
import { toCamelCase } from '../names.ts';
import { readOpenEvents } from '../stream.ts';
import type { Attempts } from '../transport.ts';
import type { GeneratedText, TextEvent } from './models.ts';

/**
 * Tells a text while it is written. Where the connection breaks, the server is asked for the same stream again, and only
 * what was not told yet is told.
 *
 * @throws {ChatError} `stream_interrupted`: the text is another one now
 */
export async function* tellText(attempts: Attempts): AsyncGenerator<TextEvent, void, undefined> {
  let told = '';
  for (;;) {
    try {
      let text = '';
      for await (const event of readOpenEvents(await attempts.next())) {
        const shown = toTextEvent(event);
        if (shown?.type === 'done') {
          yield shown;
          return;
        }
        if (!shown) continue;
        text += shown.text;
        requireSame(told, text);
        if (text.length <= told.length) continue;
        const more = text.slice(told.length);
        told = text;
        yield { type: 'delta', text: more };
      }
      throw new ChatConnectionError('The stream has ended before the text was whole');
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

function requireSame(told: string, now: string): void {
  if (now.startsWith(told) || told.startsWith(now)) return;
  throw new ChatError('stream_interrupted', 'The connection broke, and the server has begun another text');
}

/** Undefined: an event of a later version. */
function toTextEvent({ event, data }: ServerSentEvent): TextEvent | undefined {
  if (!['delta', 'done', 'error'].includes(event)) return undefined;
  const read = parseJson(data) as Record<string, unknown>;
  if (event === 'error')
    throw new StreamError(readProblem(read, { message: 'The text has failed', requestId: undefined }));
  if (event === 'delta') return { type: 'delta', text: String(read.text) };
  return { type: 'done', response: toCamelCase(read.data) as GeneratedText };
}
