import type { ProxyError } from '../../error.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import { toProblem } from '../../providers/failure.ts';
import { type Body, parseObject } from '../../providers/json.ts';
import type { StreamReader } from '../../providers/reading.ts';
import type { WholeRules } from './output-guard.ts';

export interface GuardSinkOptions {
  readonly guard: WholeRules;
  /** Reads a stream of this call into a whole answer. */
  readonly openReader: () => StreamReader;
  /** Is charged for the memory of what waits. */
  readonly addAnswer: (bytes: number) => void;
}

const eventStream = /^text\/event-stream\b/i;
/** Answers that may have text. Others are audio, images or other bytes. */
const textual = /^(?:application\/(?:json|x-subrip|x-ndjson|jsonl)|text\/)|^$/i;

/**
 * Judges whole answers, and streams by the rules that need all of them: those wait here. It marks a refused answer in
 * the guard, and passes it on to be accounted for.
 */
export class GuardSink implements AnswerSink {
  readonly #next: AnswerSink;
  readonly #options: GuardSinkOptions;
  #mode: 'pass' | 'answer' | 'stream' = 'pass';
  readonly #chunks: Buffer[] = [];
  #hasBlanksOnly = true;

  constructor(next: AnswerSink, options: GuardSinkOptions) {
    this.#next = next;
    this.#options = options;
  }

  sent(): void {
    this.#next.sent?.();
  }

  head(status: number, headers: AnswerHeaders): void {
    const type = String(headers['content-type'] ?? '');
    if (status !== 200) this.#mode = 'pass';
    else if (eventStream.test(type)) this.#mode = this.#options.guard.needsWhole() ? 'stream' : 'pass';
    else this.#mode = textual.test(type) ? 'answer' : 'pass';
    this.#next.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    if (this.#mode === 'pass') return this.#next.chunk(bytes);
    // Blanks before JSON keep the client's connection alive.
    if (this.#mode === 'answer' && this.#hasBlanksOnly && isBlank(bytes)) return this.#next.chunk(bytes);
    this.#hold(bytes);
    return true;
  }

  end(last?: Buffer): void {
    if (this.#mode === 'pass') {
      this.#next.end(last);
      return;
    }
    if (last) this.#hold(last);
    const whole = Buffer.concat(this.#chunks);
    if (this.#mode === 'answer') this.#endAnswer(whole);
    else this.#endStream(whole);
  }

  fail(problem: ProxyError, isUnsent?: boolean): void {
    // What came of a stream is accounted for; the client has nothing of it.
    if (this.#mode === 'stream' && this.#chunks.length > 0) {
      this.#options.guard.refuseUnread();
      this.#next.chunk(Buffer.concat(this.#chunks));
    }
    this.#next.fail(problem, isUnsent);
  }

  #hold(bytes: Buffer): void {
    this.#hasBlanksOnly = false;
    this.#options.addAnswer(bytes.length);
    this.#chunks.push(bytes);
  }

  #endAnswer(whole: Buffer): void {
    const { guard } = this.#options;
    const text = whole.toString('utf8');
    const answer = parseObject(text);
    // An answer that is text alone is judged as one.
    const judged = guard.answer(answer ?? { text });
    const write = (changed: Body | undefined) => {
      if (changed === undefined) this.#next.end(whole);
      else this.#next.end(Buffer.from(answer ? JSON.stringify(changed) : String(changed.text)));
    };
    if (judged instanceof Promise) this.#await(judged.then(write));
    else write(judged);
  }

  #endStream(whole: Buffer): void {
    const { guard, openReader } = this.#options;
    const reader = openReader();
    reader.read(whole);
    reader.end();
    const output = reader.output();
    const answer = output === undefined ? null : parseObject(output);
    const pass = () => {
      if (whole.length > 0) this.#next.chunk(whole);
      this.#next.end();
    };
    if (!answer) {
      // A stream that broke off, or has no whole answer, is not judged, so nobody gets it.
      guard.refuseUnread();
      pass();
    } else this.#await(guard.wholeStream(answer).then(pass));
  }

  /** A judgement does not reject. What a later sink throws ends the answer, as everywhere. */
  #await(done: Promise<void>): void {
    done.catch((error: unknown) => this.#next.fail(toProblem(error, true)));
  }
}

function isBlank(chunk: Buffer): boolean {
  const [first = 0] = chunk;
  return first <= 0x20 && /^[ \t\r\n]*$/.test(chunk.toString('latin1'));
}
