import { ProxyError, problems } from '../../error.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import type { Reading, StreamReader } from '../../providers/reading.ts';
import type { AnswerClient } from './client-sink.ts';
import type { Observer } from './observer.ts';
import type { StartGate } from './start-gate.ts';

/** The start of a stream whose place another attempt may take. */
export interface StreamStart {
  readonly gate: StartGate;
  /** The stream reports an error. @returns whether another attempt takes its place */
  failed(reading: Reading): boolean;
  /** The stream broke off. @returns whether another attempt takes its place */
  broken(problem: ProxyError): boolean;
}

/**
 * Reads an answer while it passes. The call is settled before the client has the last event, so that the client can
 * rate the answer at once.
 */
export class StreamSink implements AnswerSink {
  readonly #reader: StreamReader;
  readonly #observer: Observer;
  readonly #client: AnswerClient;
  /** Holds the start of the stream while another attempt may take its place. */
  #start: StreamStart | undefined;
  #isSettled = false;
  #isReplaced = false;
  /** Whether the client has the end of its answer. */
  #hasEnded = false;

  constructor(reader: StreamReader, observer: Observer, client: AnswerClient, start?: StreamStart) {
    this.#reader = reader;
    this.#observer = observer;
    this.#client = start?.gate ?? client;
    this.#start = start;
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#client.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    const shown = this.#read(bytes);
    if (this.#isReplaced) return true;
    if (this.#reader.isOver?.()) this.#endClient(shown);
    else if (shown) return this.#client.chunk(shown);
    return true;
  }

  end(last?: Buffer): void {
    const shown = last && this.#read(last);
    if (this.#isReplaced) return;
    if (shown && !this.#hasEnded) this.#client.chunk(shown);
    const rest = this.#reader.end();
    const reading = this.#reader.reading();
    if (!reading) {
      this.fail(new ProxyError('upstream_interrupted'));
      return;
    }
    this.#settle(reading);
    if (this.#isReplaced) return;
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
    if (this.#isReplaced || this.#replace((start) => start.broken(problem))) return;
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
    if (this.#start && !reading && reader.hasOutput()) this.#open(this.#start);
    if (reading) this.#settle(reading);
    return shown;
  }

  /** There is content, so no other attempt takes its place. */
  #open({ gate }: StreamStart): void {
    this.#start = undefined;
    gate.open();
  }

  #replace(byAnother: (start: StreamStart) => boolean): boolean {
    const start = this.#start;
    if (!start || !byAnother(start)) return false;
    start.gate.close();
    this.#isReplaced = true;
    return true;
  }

  #settle(reading: Reading): void {
    if (this.#isSettled || this.#isReplaced) return;
    if (reading.failed && this.#replace((start) => start.failed(reading))) return;
    this.#isSettled = true;
    this.#observer.answered(reading, this.#reader.output());
  }
}
