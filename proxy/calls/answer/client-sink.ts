import type { ServerResponse } from 'node:http';
import type { ProxyError } from '../../error.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import { breakOff } from './break-off.ts';

export interface ClientOptions {
  readonly response: ServerResponse;
  /** Headers of our own. They stand in the place of the provider's of the same name. */
  readonly ownHeaders: Readonly<Record<string, string>>;
  /** Answers with a problem in the surface's envelope; where that is too late, closes the connection. */
  readonly refuse: (problem: ProxyError) => void;
  /** Told that the client takes more again, after it could not. */
  readonly onDrain: () => void;
  /** Told once that the client has left before the end of its answer. */
  readonly onGone: () => void;
}

/** What other sinks know of the client. */
export type AnswerClient = Pick<ClientSink, 'hasBegun' | 'head' | 'chunk' | 'end' | 'fail' | 'cut'>;

/** The last sink of an answer: writes it to the client. For a client that has gone it does nothing. */
export class ClientSink implements AnswerSink {
  readonly #options: ClientOptions;
  #hasBegun = false;
  #hasWritten = false;
  #isGone = false;
  #waitsForDrain = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    options.response.once('close', this.#onClose);
    if (options.response.destroyed) this.#onClose();
  }

  /** Whether the client has been given the beginning of an answer: from then on it can get no other. */
  hasBegun(): boolean {
    return this.#hasBegun;
  }

  isGone(): boolean {
    return this.#isGone;
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#hasBegun = true;
    if (this.#isGone) return;
    this.#options.response.writeHead(status, flatten(headers, this.#options.ownHeaders));
    // A stream's client is told at once that it begins. What has come with the head leaves in one write with it.
    if (headers['content-length'] === undefined) process.nextTick(flush, this);
  }

  chunk(bytes: Buffer): boolean {
    this.#hasWritten = true;
    if (this.#isGone || this.#options.response.write(bytes)) return true;
    if (!this.#waitsForDrain) this.#options.response.once('drain', this.#onDrain);
    this.#waitsForDrain = true;
    return false;
  }

  end(last?: Buffer): void {
    this.#hasWritten = true;
    if (this.#isGone) return;
    const { response } = this.#options;
    if (!last) response.end();
    // As text of one byte a character it leaves in one write with the head; a buffer would be a second piece.
    else response.end(last.toString('latin1'), 'latin1');
  }

  /** The client gets the problem in the surface's envelope. */
  fail(problem: ProxyError): void {
    if (!this.#isGone) this.#options.refuse(problem);
  }

  /** Ends a stream without the end of its HTTP message, after these last words. */
  cut(lastWords: string): void {
    const { response } = this.#options;
    if (!this.#isGone) response.write(lastWords, () => breakOff(response));
  }

  /** The head of a stream whose first chunk has not come with it. */
  flush(): void {
    if (!this.#hasWritten && !this.#isGone) this.#options.response.flushHeaders();
  }

  /** The answer is over: nobody wants to know any more whether the client leaves. */
  release(): void {
    this.#options.response.off('close', this.#onClose);
  }

  readonly #onDrain = (): void => {
    this.#waitsForDrain = false;
    this.#options.onDrain();
  };

  /** The client has gone, which its connection may tell only later. */
  leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.onGone();
  }

  readonly #onClose = (): void => {
    if (!this.#options.response.writableFinished) this.leave();
  };
}

function flush(client: ClientSink): void {
  client.flush();
}

/** As names and values in turns: node:http writes these as they are. */
function flatten(headers: AnswerHeaders, own: Readonly<Record<string, string>>): (string | string[])[] {
  const flat: (string | string[])[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !Object.hasOwn(own, name)) flat.push(name, value);
  }
  for (const name in own) flat.push(name, own[name] ?? '');
  return flat;
}
