import { Readable } from 'node:stream';
import { ProxyError } from '../error.ts';
import { answerFactor, type Share } from '../in-flight.ts';
import type { AnswerHeaders, AnswerSink } from './answer-sink.ts';
import type { Exchange, ProviderRequest, Sent } from './exchange.ts';
import { redirected } from './failure.ts';

/** A request whose answer is read as a stream, or whole. */
export interface Relay extends ProviderRequest {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface RelayedAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** The bytes as a stream. Read it to its end, or destroy it. It fails with a ProxyError. */
  readonly body: Readable;
}

/** The size limit of an answer that is read whole. */
const maxWholeBytes = 256 * 1024 * 1024;

/**
 * Sends a request that is not a governed call to a provider.
 *
 * @returns the answer, including a provider's error
 * @throws {ProxyError} `upstream_unreachable`, `upstream_timeout` or `upstream_invalid_response`
 */
export function relay(exchange: Exchange, { signal, ...request }: Relay): Promise<RelayedAnswer> {
  return new Promise((resolve, reject) => {
    const body = new AnswerStream(signal, resolve, reject);
    body.follow(exchange(request, body));
  });
}

/**
 * Reads a whole answer.
 *
 * @param share is charged for its memory
 * @throws {ProxyError} `upstream_interrupted`, `upstream_timeout` or `upstream_invalid_response`; `overloaded`
 */
export async function readWhole(
  { body }: RelayedAnswer,
  share: Pick<Share, 'addAnswer'>,
  maxBytes = maxWholeBytes,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new ProxyError('upstream_invalid_response');
    share.addAnswer(chunk.length * answerFactor);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Turns an answer into a stream: a sink at one end, and a Readable at the other. */
class AnswerStream extends Readable implements AnswerSink {
  readonly #signal: AbortSignal;
  readonly #onHead: (answer: RelayedAnswer) => void;
  readonly #onFailure: (problem: ProxyError) => void;
  #sent: Sent | undefined;
  #hasHead = false;
  #waits = false;

  constructor(signal: AbortSignal, onHead: (answer: RelayedAnswer) => void, onFailure: (problem: ProxyError) => void) {
    super();
    // A reader gets the error. Without a reader, an error must not end the process.
    this.on('error', () => {});
    this.#signal = signal;
    this.#onHead = onHead;
    this.#onFailure = onFailure;
  }

  follow(sent: Sent): void {
    this.#sent = sent;
    if (this.#signal.aborted) this.#onAbort();
    else this.#signal.addEventListener('abort', this.#onAbort);
  }

  head(status: number, headers: AnswerHeaders): void {
    if (status >= 300 && status < 400) throw redirected(status);
    this.#hasHead = true;
    this.#onHead({ status, headers, body: this });
  }

  chunk(bytes: Buffer): boolean {
    this.#waits = !this.push(bytes);
    return !this.#waits;
  }

  end(last?: Buffer): void {
    if (last) this.push(last);
    this.push(null);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  fail(problem: ProxyError): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (this.#hasHead) this.destroy(problem);
    else this.#onFailure(problem);
  }

  override _read(): void {
    if (!this.#waits) return;
    this.#waits = false;
    this.#sent?.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#sent?.abort(error ?? new Error('Nobody reads the answer'));
    done(error);
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#signal;
    this.#sent?.abort(reason instanceof Error ? reason : new Error('Nobody waits for the answer', { cause: reason }));
  };
}
