import { WebSocket } from 'ws';
import type { Identified } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { contextOf } from '../governed-response.ts';
import type { Opened, Session, SocketLimits } from '../session.ts';
import type { LiveHub, LiveMember } from './hub.ts';

export interface LiveSessionOptions {
  readonly limits: SocketLimits;
  readonly hub: LiveHub;
  /** @throws {ProxyError} where the caller may not watch any more */
  readonly requireWatcher: (identified: Identified) => void;
}

/** A reader that has so much to read yet is cut: others would pay for what it does not read. */
const mostWaitingBytes = 256 * 1024;
/** How long a client has to answer that it is told to go. */
const closingMs = 1_000;

/** Somebody who watches over a WebSocket. What the client says is not read. */
export class LiveSession implements Session, LiveMember {
  readonly #opened: Opened;
  readonly #options: LiveSessionOptions;
  readonly #startedAtMs = Date.now();
  #answersPings = true;
  #isOver = false;

  constructor(opened: Opened, options: LiveSessionOptions) {
    this.#opened = opened;
    this.#options = options;
    const { client, onPassed } = opened;
    client.on('message', (data: Buffer) => {
      this.#answersPings = true;
      onPassed('client', 'in', data.length);
    });
    client.on('pong', () => {
      this.#answersPings = true;
    });
    client.on('error', () => client.terminate());
    client.on('close', () => this.#over());
    options.hub.join(this);
  }

  send(message: Buffer): void {
    const { client, onPassed } = this.#opened;
    if (client.readyState !== WebSocket.OPEN) return;
    if (client.bufferedAmount + message.length > mostWaitingBytes) {
      this.#note(new ProxyError('session_expired', { message: 'the client does not read what it is sent' }));
      client.terminate();
      return;
    }
    client.send(message, { binary: false });
    onPassed('client', 'out', message.length);
  }

  async review(): Promise<void> {
    try {
      this.#options.requireWatcher(await this.#opened.caller.find());
    } catch (error) {
      const problem = this.#note(error);
      this.#close(problem.status < 500 ? 1008 : 1011, problem.code);
    }
  }

  tick(): void {
    const { client } = this.#opened;
    if (Date.now() - this.#startedAtMs > this.#options.limits.lifetimeMs) {
      this.#close(1000, 'session_expired');
      return;
    }
    if (!this.#answersPings) {
      client.terminate();
      return;
    }
    this.#answersPings = false;
    if (client.readyState === WebSocket.OPEN) client.ping();
  }

  isBusy(): boolean {
    return false;
  }

  goAway(): void {
    this.#close(1001, 'shutting_down');
  }

  cut(): void {
    this.#opened.client.terminate();
    this.#over();
  }

  #note(error: unknown): ProxyError {
    const problem = error instanceof ProxyError ? error : new ProxyError('internal_error', { cause: error });
    const { requestId, caller } = contextOf(this.#opened.first, this.#opened.share, undefined);
    this.#opened.onRefused(problem, requestId, caller);
    return problem;
  }

  #close(code: number, reason: string): void {
    const { client } = this.#opened;
    this.#options.hub.leave(this);
    client.close(code, reason);
    setTimeout(() => client.terminate(), closingMs).unref();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.hub.leave(this);
    this.#opened.onOver();
  }
}
