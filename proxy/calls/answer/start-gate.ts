import type { ProxyError } from '../../error.ts';
import type { AnswerHeaders } from '../../providers/answer-sink.ts';
import type { AnswerClient } from './client-sink.ts';

/** A start that is larger, or older, goes to the client: it may wait for no content at all. */
const bounds = { bytes: 64 * 1024, ms: 5_000 };

/**
 * Holds the start of a stream until its first content, so that another attempt can still take its place if the provider
 * reports an error first. Providers often answer 200 before they know whether they can serve a call.
 */
export class StartGate implements AnswerClient {
  readonly #client: AnswerClient;
  #held: ((client: AnswerClient) => void)[] | undefined = [];
  #heldBytes = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(client: AnswerClient) {
    this.#client = client;
    this.#timer = setTimeout(() => this.open(), bounds.ms);
    this.#timer.unref();
  }

  /** The client gets what was held, and all that follows. */
  open(): void {
    const held = this.#held;
    if (!held) return;
    this.close();
    for (const write of held) write(this.#client);
  }

  /** Nothing of it goes to the client any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#held = undefined;
  }

  hasBegun(): boolean {
    return this.#client.hasBegun();
  }

  head(status: number, headers: AnswerHeaders): void {
    if (!this.#hold((client) => client.head(status, headers))) this.#client.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    this.#heldBytes += bytes.length;
    if (!this.#hold((client) => client.chunk(bytes))) return this.#client.chunk(bytes);
    if (this.#heldBytes > bounds.bytes) this.open();
    return true;
  }

  end(last?: Buffer | string): void {
    this.open();
    this.#client.end(last);
  }

  fail(problem: ProxyError): void {
    this.close();
    this.#client.fail(problem);
  }

  cut(lastWords: string): void {
    this.open();
    this.#client.cut(lastWords);
  }

  #hold(write: (client: AnswerClient) => void): boolean {
    this.#held?.push(write);
    return this.#held !== undefined;
  }
}
