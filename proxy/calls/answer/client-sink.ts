import type { EventEmitter } from 'node:events';
import { ProxyError } from '../../error.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import type { OnWritten } from '../settle/account.ts';
import { breakOff } from './break-off.ts';
import type { ClientResponse } from './client-response.ts';
import { writeChunk } from './write-chunk.ts';

export interface ClientOptions {
  readonly response: ClientResponse;
  /** Our own headers. They replace the provider's headers of the same name. */
  readonly ownHeaders: Readonly<Record<string, string>>;
  /** Answers with a problem in the surface's envelope, or closes the connection where it is too late for that. */
  readonly refuse: (problem: ProxyError) => void;
  /** Called when the client can take more again. */
  readonly onDrain: () => void;
  /** Called once when the client leaves before the end of its answer. */
  readonly onGone: () => void;
}

/** The part of the client sink that other sinks use. */
export type AnswerClient = Pick<ClientSink, 'hasBegun' | 'head' | 'chunk' | 'end' | 'fail' | 'cut'>;

/**
 * The last sink of an answer, which writes it to the client. It does nothing for a client that has gone. Nothing is
 * written while the call's settlement is being written.
 */
export class ClientSink implements AnswerSink {
  readonly #options: ClientOptions;
  #hasBegun = false;
  #hasWritten = false;
  #isGone = false;
  /** What the client's next `drain` comes from. Undefined: the client can take more. */
  #drains: EventEmitter | undefined;
  /** What is to be written later. */
  #held: (() => void)[] | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    options.response.once('close', this.#onClose);
    if (options.response.destroyed) this.#onClose();
  }

  /** Whether the client has the beginning of an answer. From then on it can get no other. */
  hasBegun(): boolean {
    return this.#hasBegun;
  }

  isGone(): boolean {
    return this.#isGone;
  }

  /**
   * Holds back all that follows.
   *
   * @returns a function that writes it, and ends the hold. With a problem, the client gets that instead
   */
  hold(): OnWritten {
    const held: (() => void)[] = [];
    this.#held = held;
    return (problem) => {
      this.#held = undefined;
      if (problem) this.#refuse(problem);
      for (const write of held) this.#attempt(write);
    };
  }

  /** Other calls are released in the same turn, and an error must not keep them from it. */
  #attempt(write: () => void): void {
    try {
      write();
    } catch (cause) {
      this.#refuse(new ProxyError('upstream_invalid_response', { cause }));
    }
  }

  /** The client's answer is this problem, so nothing else is written. */
  #refuse(problem: ProxyError): void {
    if (!this.#isGone) this.#options.refuse(problem);
    this.#isGone = true;
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#hasBegun = true;
    if (this.#held) {
      this.#held.push(() => this.head(status, headers));
      return;
    }
    if (this.#isGone) return;
    this.#options.response.writeHead(status, flatten(headers, this.#options.ownHeaders));
    // A stream's head is sent at once. A chunk that came with the head leaves in the same write.
    if (headers['content-length'] === undefined) process.nextTick(flush, this);
  }

  chunk(bytes: Buffer): boolean {
    if (this.#held) {
      this.#held.push(() => this.chunk(bytes));
      return true;
    }
    if (this.#isGone) return true;
    const { response } = this.#options;
    // The first chunk leaves with the head.
    const full = this.#hasWritten ? writeChunk(response, bytes) : response.write(bytes) ? undefined : response;
    this.#hasWritten = true;
    if (!full) return true;
    if (!this.#drains) full.once('drain', this.#onDrain);
    this.#drains ??= full;
    return false;
  }

  /** @param last as bytes, or as latin1 text */
  end(last?: Buffer | string): void {
    if (this.#held) {
      this.#held.push(() => this.end(last));
      return;
    }
    this.#hasWritten = true;
    if (this.#isGone) return;
    const { response } = this.#options;
    if (!last) response.end();
    // As latin1 text it leaves in one write with the head; a buffer would be a second write.
    else response.end(typeof last === 'string' ? last : last.toString('latin1'), 'latin1');
  }

  /** The client gets the problem in the surface's envelope. */
  fail(problem: ProxyError): void {
    if (this.#held) this.#held.push(() => this.fail(problem));
    else if (!this.#isGone) this.#options.refuse(problem);
  }

  /** Writes a last text, then cuts the stream without the end of its HTTP message. */
  cut(lastWords: string): void {
    const { response } = this.#options;
    if (this.#held) this.#held.push(() => this.cut(lastWords));
    else if (!this.#isGone) response.write(lastWords, () => breakOff(response));
  }

  /** Sends the head of a stream whose first chunk has not come with it. */
  flush(): void {
    if (this.#hasWritten || this.#isGone) return;
    this.#hasWritten = true;
    this.#options.response.flushHeaders();
  }

  /** The answer is over, so stop watching whether the client leaves. @param onDone is called when all is written */
  release(onDone: () => void): void {
    if (this.#held) {
      this.#held.push(() => this.release(onDone));
      return;
    }
    this.#options.response.off('close', this.#onClose);
    this.#drains?.off('drain', this.#onDrain);
    onDone();
  }

  readonly #onDrain = (): void => {
    this.#drains = undefined;
    this.#options.onDrain();
  };

  /** Marks the client as gone; its connection may show that only later. */
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

/** Headers as a flat list of names and values, which node:http writes as it is. */
function flatten(headers: AnswerHeaders, own: Readonly<Record<string, string>>): (string | string[])[] {
  const flat: (string | string[])[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !Object.hasOwn(own, name)) flat.push(name, value);
  }
  for (const name in own) flat.push(name, own[name] ?? '');
  return flat;
}
