import type { ProxyError } from '../error.ts';
import type { AnswerHeaders, AnswerSink } from './answer-sink.ts';
import type { Exchange } from './exchange.ts';
import { asObject, parseExactly } from './json.ts';
import { makeEventSplitter, parseEvent } from './sse.ts';
import type { EventTranslation, Translation } from './translation.ts';

/** An exchange whose answers come in the form of the client's API. All later sinks see nothing of the other form. */
export function translating(exchange: Exchange, translation: Translation): Exchange {
  return (request, sink) => exchange(request, new TranslatingSink(translation, sink));
}

const eventStream = /^text\/event-stream\b/i;

/** More than any whole answer has. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Translates an answer: a stream event by event, anything else at its end. */
class TranslatingSink implements AnswerSink {
  readonly #translation: Translation;
  readonly #next: AnswerSink;
  readonly #events = makeEventSplitter();
  /** Undefined where the answer is no stream. */
  #stream: EventTranslation | undefined;
  #status = 0;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(translation: Translation, next: AnswerSink) {
    this.#translation = translation;
    this.#next = next;
  }

  sent(): void {
    this.#next.sent?.();
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    if (status === 200 && eventStream.test(String(headers['content-type'] ?? ''))) {
      this.#stream = this.#translation.stream();
    }
    this.#next.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    const { shown, isStream } = this.#take(bytes);
    return !isStream || shown === undefined || this.#next.chunk(shown);
  }

  end(last?: Buffer): void {
    const shown = last && this.#take(last).shown;
    if (!this.#stream) {
      this.#next.end(this.#whole());
      return;
    }
    if (shown) this.#next.chunk(shown);
    const raw = this.#events.end();
    const rest = (raw === undefined ? '' : this.#translate(raw)) + this.#stream.end();
    this.#next.end(rest === '' ? undefined : Buffer.from(rest));
  }

  fail(problem: ProxyError, isUnsent?: boolean): void {
    this.#next.fail(problem, isUnsent);
  }

  #take(bytes: Buffer): { readonly shown: Buffer | undefined; readonly isStream: boolean } {
    if (this.#stream) {
      const shown = this.#events
        .push(bytes)
        .map((raw) => this.#translate(raw))
        .join('');
      return { shown: shown === '' ? undefined : Buffer.from(shown), isStream: true };
    }
    this.#bytes += bytes.length;
    if (this.#bytes > maxAnswerBytes) throw new RangeError(`An answer has more than ${maxAnswerBytes} bytes`);
    this.#chunks.push(bytes);
    return { shown: undefined, isStream: false };
  }

  #translate(raw: string): string {
    const { name, data } = parseEvent(raw);
    return data === '' ? '' : (this.#stream?.event(name, data) ?? '');
  }

  /** What is not a JSON object passes as it is. */
  #whole(): Buffer {
    const bytes = Buffer.concat(this.#chunks);
    const answer = parse(bytes.toString('utf8'));
    if (!answer) return bytes;
    const isSuccess = this.#status >= 200 && this.#status < 300;
    const shown = isSuccess ? this.#translation.answer(answer) : this.#translation.error(answer, this.#status);
    return Buffer.from(JSON.stringify(shown));
  }
}

function parse(text: string) {
  try {
    return asObject(parseExactly(text));
  } catch {
    return null;
  }
}
