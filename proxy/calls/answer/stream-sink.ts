import { ProxyError, problems } from '../../error.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import type { Reading, StreamReader } from '../../providers/reading.ts';
import type { AnswerClient } from './client-sink.ts';
import type { Observer } from './observer.ts';

/**
 * Reads an answer while it passes. The call is settled before the client has the last event, so that the client can
 * rate the answer at once.
 */
export class StreamSink implements AnswerSink {
  readonly #reader: StreamReader;
  readonly #observer: Observer;
  readonly #client: AnswerClient;
  #isSettled = false;
  /** Whether the client has the end of its answer. */
  #hasEnded = false;

  constructor(reader: StreamReader, observer: Observer, client: AnswerClient) {
    this.#reader = reader;
    this.#observer = observer;
    this.#client = client;
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#client.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    const shown = this.#read(bytes);
    if (this.#reader.isOver?.()) this.#endClient(shown);
    else if (shown) return this.#client.chunk(shown);
    return true;
  }

  end(last?: Buffer): void {
    const shown = last && this.#read(last);
    if (shown && !this.#hasEnded) this.#client.chunk(shown);
    const rest = this.#reader.end();
    const reading = this.#reader.reading();
    if (!reading) {
      this.fail(new ProxyError('upstream_interrupted'));
      return;
    }
    this.#settle(reading);
    this.#endClient(rest && rest.length > 0 ? rest : undefined);
  }

  /**
   * Cuts a stream whose end did not come, without the end of the HTTP message. Every SDK takes that for the cut that it
   * would have seen without us. The comment is for people: SDKs skip comments, while an event would be another kind of
   * error to them.
   */
  fail(problem: ProxyError): void {
    if (this.#reader.reading()) {
      this.#endClient(undefined);
      return;
    }
    this.#observer.failed(problem, this.#reader);
    if (this.#hasEnded) return;
    const { code } = problem;
    this.#client.cut(this.#reader.isBetweenEvents() ? `: ${code}: ${problems[code].message}\n\n` : '');
  }

  #endClient(last: Buffer | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#client.end(last);
  }

  #read(bytes: Buffer): Buffer | undefined {
    const reader = this.#reader;
    const shown = reader.read(bytes);
    this.#observer.progress(reader);
    const reading = reader.reading();
    if (reading) this.#settle(reading);
    return shown;
  }

  #settle(reading: Reading): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#observer.answered(reading, this.#reader.output());
  }
}
