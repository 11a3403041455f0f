import type { ProxyError } from '../error.ts';
import type { AnswerHeaders, AnswerSink } from '../providers/answer-sink.ts';
import type { Exchange } from '../providers/exchange.ts';
import { joinPieces, type KeptAnswer } from './kept-answer.ts';

export interface RecordingOptions {
  readonly maxBytes: number;
  /** Is charged for the memory of what is taken down. @throws where there is none left */
  readonly addAnswer: (bytes: number) => void;
  /** Called when the answer is whole. */
  readonly onEnd: () => void;
  /** Called once: nothing of the answer will be kept. @param isTooLarge whether the next one would be, too */
  readonly onDropped: (isTooLarge: boolean) => void;
}

/**
 * Takes down the answer of the first provider that is asked. The answer of another attempt, one that is too large, and
 * one that breaks off, are not kept.
 */
export class Recording {
  readonly #options: RecordingOptions;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #contentType = '';
  #state: 'unasked' | 'open' | 'whole' | 'dropped' = 'unasked';

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** The exchange, with this recording of what the provider says. */
  over(exchange: Exchange): Exchange {
    return (request, sink) => {
      if (this.#state !== 'unasked') {
        this.drop();
        return exchange(request, sink);
      }
      this.#state = 'open';
      return exchange(request, new RecordingSink(this, sink));
    };
  }

  begin(status: number, headers: AnswerHeaders): void {
    this.#contentType = String(headers['content-type'] ?? '');
    if (status !== 200) this.drop();
  }

  add(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#options.maxBytes) {
      this.drop(true);
      return;
    }
    try {
      this.#options.addAnswer(bytes.length);
    } catch {
      // The answer itself goes on; there is no memory for a copy.
      this.drop();
      return;
    }
    this.#pieces.push(bytes);
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'whole';
    this.#options.onEnd();
  }

  drop(isTooLarge = false): void {
    if (this.#state === 'dropped') return;
    this.#state = 'dropped';
    this.#pieces = [];
    this.#options.onDropped(isTooLarge);
  }

  /** Undefined where there is nothing to keep, or not yet. */
  answer(): KeptAnswer | undefined {
    return this.#state === 'whole' ? joinPieces(this.#contentType, this.#pieces) : undefined;
  }
}

class RecordingSink implements AnswerSink {
  readonly #recording: Recording;
  readonly #next: AnswerSink;

  constructor(recording: Recording, next: AnswerSink) {
    this.#recording = recording;
    this.#next = next;
  }

  sent(): void {
    this.#next.sent?.();
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#recording.begin(status, headers);
    this.#next.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    this.#recording.add(bytes);
    return this.#next.chunk(bytes);
  }

  end(last?: Buffer): void {
    if (last) this.#recording.add(last);
    this.#recording.end();
    this.#next.end(last);
  }

  fail(problem: ProxyError, isUnsent?: boolean): void {
    this.#recording.drop();
    this.#next.fail(problem, isUnsent);
  }
}
