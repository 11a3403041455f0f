import { ProxyError } from '../../error.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import type { Sent } from '../../providers/exchange.ts';
import { toProblem } from '../../providers/failure.ts';
import { asObject, type Body } from '../../providers/json.ts';
import type { Provider } from '../../snapshot/snapshot.ts';

/** The events that end a response. */
const lastEvents: ReadonlySet<string> = new Set([
  ...['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled', 'error'],
]);
const eventStream: AnswerHeaders = { 'content-type': 'text/event-stream; charset=utf-8' };
const json: AnswerHeaders = { 'content-type': 'application/json' };

export interface SocketAnswerOptions {
  readonly sink: AnswerSink;
  readonly timeouts: Pick<Provider, 'headersTimeoutMs' | 'idleTimeoutMs'>;
}

/** The connection that an answer comes by. */
export interface AnswerSource {
  /** Reads no further until it is resumed. */
  pause(): void;
  resume(): void;
  /** The provider still works on an answer that nobody waits for. */
  abandoned(): void;
}

/** The answer to one response on a provider's WebSocket, for the sinks of the path of calls: as a stream by HTTP. */
export class SocketAnswer implements Sent {
  readonly #sink: AnswerSink;
  readonly #timeouts: SocketAnswerOptions['timeouts'];
  #source: AnswerSource | undefined;
  #hasBegun = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor({ sink, timeouts }: SocketAnswerOptions) {
    this.#sink = sink;
    this.#timeouts = timeouts;
  }

  isOver(): boolean {
    return this.#isOver;
  }

  /** The request has left. */
  sent(source: AnswerSource): void {
    this.#source = source;
    this.#sink.sent?.();
  }

  /** Those before it in its lane have ended, so the provider answers it now. */
  begin(): void {
    if (!this.#isOver) this.#wait(this.#timeouts.headersTimeoutMs);
  }

  /** Takes an event. @returns whether it is the last one */
  take(type: string, event: Body, text: string): boolean {
    const isLast = lastEvents.has(type);
    if (this.#isOver) return isLast;
    this.#wait(this.#timeouts.idleTimeoutMs);
    this.#try(() => {
      if (!this.#hasBegun && isRefusal(type, event)) this.#refused(event);
      else this.#pass(type, text, isLast);
    });
    return isLast;
  }

  /** The provider answers in HTTP, in place of the session. */
  answered(status: number, headers: AnswerHeaders, body: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#try(() => {
      this.#sink.head(status, headers);
      this.#sink.end(Buffer.from(body));
    });
  }

  /** @param isUnsent whether the provider cannot have acted on it */
  fail(problem: ProxyError, isUnsent = false): void {
    if (this.#isOver) return;
    this.#end();
    this.#sink.fail(problem, isUnsent);
  }

  resume(): void {
    this.#source?.resume();
  }

  abort(reason: Error): void {
    if (this.#isOver) return;
    const isUnsent = this.#source === undefined;
    this.fail(toProblem(reason, this.#hasBegun), isUnsent);
    this.#source?.abandoned();
  }

  drop(): void {
    if (this.#isOver) return;
    this.#end();
    this.#source?.abandoned();
  }

  #pass(type: string, text: string, isLast: boolean): void {
    if (!this.#hasBegun) this.#sink.head(200, eventStream);
    this.#hasBegun = true;
    // JSON has line breaks only between its parts.
    const mayGoOn = this.#sink.chunk(Buffer.from(`event: ${type}\ndata: ${text.replaceAll(/[\r\n]+/g, ' ')}\n\n`));
    if (isLast) {
      this.#end();
      this.#sink.end();
    } else if (!mayGoOn) this.#source?.pause();
  }

  /** The provider does not make the response. It says so as by HTTP: with a status. */
  #refused(event: Body): void {
    const { status, error } = event;
    this.#end();
    this.#sink.head(typeof status === 'number' && status >= 400 && status < 600 ? status : 400, json);
    this.#sink.end(Buffer.from(JSON.stringify({ error })));
  }

  /** A sink that throws ends the answer. */
  #try(step: () => void): void {
    try {
      step();
    } catch (error) {
      const wasOver = this.#isOver;
      this.#end();
      this.#sink.fail(toProblem(error, true));
      if (!wasOver) this.#source?.abandoned();
    }
  }

  #wait(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.abort(new ProxyError('upstream_timeout')), timeoutMs);
    this.#timer.unref();
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}

/** An error about the request, and not one within the stream of a response. */
function isRefusal(type: string, { error }: Body): boolean {
  return type === 'error' && asObject(error) !== null;
}
