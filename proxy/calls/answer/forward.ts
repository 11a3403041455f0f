import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { ProxyError } from '../../error.ts';
import type { Share } from '../../in-flight.ts';
import type { Operation } from '../../operations/operation.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import type { Exchange, Sent } from '../../providers/exchange.ts';
import type { StreamReader } from '../../providers/reading.ts';
import type { WireFormat } from '../../providers/wire-format.ts';
import type { Call } from '../call.ts';
import { clientGone } from '../client-gone.ts';
import type { Account } from '../settle/account.ts';
import { ClientSink } from './client-sink.ts';
import { AnswerObserver } from './observer.ts';
import { StreamSink } from './stream-sink.ts';
import { isJson, WholeSink } from './whole-sink.ts';

/** One attempt to send a call. */
export interface Attempt {
  readonly body: string | Buffer | Readable;
  /** Whether we asked for the usage, so the client must not see it. */
  readonly hideUsage: boolean;
  /** Called when the provider has taken the body. */
  readonly onTaken?: () => void;
}

export interface Forwarding {
  readonly call: Call;
  readonly operation: Operation;
  /** How the provider is asked, and how it answers. */
  readonly format: WireFormat;
  readonly account: Account;
  readonly attempt: Attempt;
  /**
   * Called once, while the client has nothing of the answer.
   *
   * @returns the next attempt, instead of the one with this answer; undefined: the client gets the answer
   */
  readonly another?: ((status: number, text: string) => Attempt | undefined) | undefined;
  readonly keepOutput: boolean;
  /** Headers for the provider. */
  readonly headers: Readonly<Record<string, string>>;
  readonly response: ServerResponse;
  /** Headers of our own for the client. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** Answers with a problem in the surface's envelope, or closes the connection where it is too late for that. */
  readonly refuse: (error: ProxyError) => void;
  /** How long an answer is read for its usage after the client has gone. */
  readonly drainMs: number;
  /** Is charged for the memory of an answer that is read whole. */
  readonly share: Share;
  /** Called once when the call is over, with any result. */
  readonly onEnd: () => void;
}

/**
 * Sends the call to its provider and the answer to the client. A stream passes chunk by chunk, with back-pressure. Any
 * other answer passes whole, so that its usage is known before it ends. The passing answer is read for the account,
 * which is settled before the client has the end of the answer.
 */
export function forward(exchange: Exchange, forwarding: Forwarding): void {
  new Forward(exchange, forwarding).send(forwarding.attempt);
}

/** The first sink of each attempt's answer: chooses the sinks behind it, or another attempt. */
class Forward implements AnswerSink {
  readonly #exchange: Exchange;
  readonly #forwarding: Forwarding;
  readonly #client: ClientSink;
  readonly #observer: AnswerObserver;
  #another: Forwarding['another'];
  #attempt: Attempt;
  #sent: Sent | undefined;
  /** The sink of this attempt's answer. Undefined until the answer begins. */
  #sink: StreamSink | WholeSink | undefined;
  #status = 0;
  #isOver = false;
  #drainTimer: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, forwarding: Forwarding) {
    this.#exchange = exchange;
    this.#forwarding = forwarding;
    this.#another = forwarding.another;
    this.#attempt = forwarding.attempt;
    const { call, operation, account, response, responseHeaders: ownHeaders, refuse } = forwarding;
    const runsInBackground = operation.runsInBackground?.(call.body) ?? false;
    this.#client = new ClientSink({
      response,
      ownHeaders,
      refuse,
      onDrain: () => this.#sent?.resume(),
      onGone: () => this.#drain(),
    });
    this.#observer = new AnswerObserver({ call, account, runsInBackground, client: this.#client });
  }

  send(attempt: Attempt): void {
    const { format, call, headers } = this.#forwarding;
    this.#attempt = attempt;
    this.#sink = undefined;
    this.#status = 0;
    this.#observer.begin(null);
    this.#sent = this.#exchange(
      { method: 'POST', path: format.path, key: call.key, headers, body: attempt.body },
      this,
    );
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#observer.begin(status);
    const reader = status === 200 ? this.#readerOf(headers) : undefined;
    this.#sink = reader ? new StreamSink(reader, this.#observer, this.#client) : this.#makeWholeSink();
    if (status === 200) this.#attempt.onTaken?.();
    this.#sink.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    return this.#sink?.chunk(bytes) ?? true;
  }

  end(last?: Buffer): void {
    const next = this.#nextAttempt(last);
    if (next) {
      this.send(next);
      return;
    }
    this.#sink?.end(last);
    this.#finish();
  }

  fail(problem: ProxyError): void {
    if (this.#isOver) return;
    if (problem.cause === clientGone) this.#client.leave();
    this.#sink ??= this.#makeWholeSink();
    this.#sink.fail(problem);
    this.#finish();
  }

  /** The reader for a passing answer of this type. Undefined where the answer is read whole. */
  #readerOf(headers: AnswerHeaders): StreamReader | undefined {
    const { operation, format, keepOutput, call } = this.#forwarding;
    if (isStream(headers, format, call)) {
      const reader = format.readStream({ hideUsage: this.#attempt.hideUsage, keepOutput, body: call.body });
      const guarded = call.guard?.output?.stream(reader) ?? reader;
      return operation.presentStream?.(guarded) ?? guarded;
    }
    return isJson(headers) ? undefined : format.readBytes?.(call.body);
  }

  #makeWholeSink(): WholeSink {
    const { call, operation, format, share } = this.#forwarding;
    return new WholeSink({ call, operation, format, share, observer: this.#observer, client: this.#client });
  }

  /** The next attempt, if any. There is none once the client has the beginning of an answer. */
  #nextAttempt(last: Buffer | undefined): Attempt | undefined {
    const another = this.#another;
    if (!another || !(this.#sink instanceof WholeSink) || this.#client.hasBegun() || this.#client.isGone())
      return undefined;
    this.#another = undefined;
    return another(this.#status, this.#sink.text(last));
  }

  /** Reads the answer although the client has gone, since the provider bills all of it. */
  #drain(): void {
    if (this.#isOver) return;
    this.#sent?.resume();
    this.#drainTimer = setTimeout(() => this.#sent?.abort(clientGone), this.#forwarding.drainMs);
    this.#drainTimer.unref();
  }

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#drainTimer);
    this.#client.release(this.#forwarding.onEnd);
  }
}

const eventStream = /^text\/event-stream\b/i;
/** Content types of servers that do not set a real one. */
const anyText = /^(?:text\/plain\b|$)/i;

/** Whether the answer is a stream of events. An answer without a real type is of the requested kind, as SDKs assume. */
function isStream(headers: AnswerHeaders, format: WireFormat, call: Call): boolean {
  const type = String(headers['content-type'] ?? '');
  if (eventStream.test(type)) return true;
  return anyText.test(type) && call.isStream() && !format.readText && !format.readBytes;
}
