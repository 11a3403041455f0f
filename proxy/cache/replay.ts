import type { AnswerSink } from '../providers/answer-sink.ts';
import type { Exchange, Sent } from '../providers/exchange.ts';
import { toProblem } from '../providers/failure.ts';
import type { KeptAnswer } from './kept-answer.ts';

/** Makes an exchange that asks nobody: each request gets this answer, in the pieces in which it came. */
export function replaying(answer: KeptAnswer): Exchange {
  return (_request, sink) => new Replay(answer, sink);
}

class Replay implements Sent {
  readonly #answer: KeptAnswer;
  readonly #sink: AnswerSink;
  #hasBegun = false;
  #next = 0;
  #isFeeding = true;
  #isOver = false;

  constructor(answer: KeptAnswer, sink: AnswerSink) {
    this.#answer = answer;
    this.#sink = sink;
    // Whoever asked has this object before the answer comes, as with a provider.
    process.nextTick(() => this.#feed());
  }

  resume(): void {
    if (this.#isFeeding || this.#isOver) return;
    this.#isFeeding = true;
    process.nextTick(() => this.#feed());
  }

  abort(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.fail(toProblem(reason, this.#hasBegun));
  }

  drop(): void {
    this.#isOver = true;
  }

  #feed(): void {
    try {
      this.#pass();
    } catch (error) {
      this.#isOver = true;
      this.#sink.fail(toProblem(error, true));
    }
  }

  #pass(): void {
    const { contentType, pieces } = this.#answer;
    if (!this.#hasBegun && !this.#isOver) {
      this.#hasBegun = true;
      this.#sink.sent?.();
      this.#sink.head(200, { 'content-type': contentType });
    }
    for (let piece = pieces[this.#next]; piece && !this.#isOver; piece = pieces[this.#next]) {
      this.#next += 1;
      if (this.#sink.chunk(piece)) continue;
      this.#isFeeding = false;
      return;
    }
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.end();
  }
}
