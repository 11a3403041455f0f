import { ProxyError } from '../../error.ts';
import type { Share } from '../../in-flight.ts';
import type { Operation } from '../../operations/operation.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import type { Exchange, Sent } from '../../providers/exchange.ts';
import { isOurEnd } from '../../providers/failure.ts';
import type { StreamReader } from '../../providers/reading.ts';
import type { WireFormat } from '../../providers/wire-format.ts';
import type { Attempt } from '../attempt.ts';
import type { Call } from '../call.ts';
import { clientGone } from '../client-gone.ts';
import type { NextAttempt } from '../next-attempt.ts';
import type { Reservation } from '../reserve/reserve.ts';
import { type Failure, failureOfProblem, failureOfStream } from '../route/failure.ts';
import type { RouteHealth } from '../route/health.ts';
import type { Account } from '../settle/account.ts';
import type { Succeeding } from '../succession.ts';
import { AttemptStory } from './attempt-story.ts';
import type { ClientResponse } from './client-response.ts';
import { ClientSink } from './client-sink.ts';
import { AnswerObserver } from './observer.ts';
import { StartGate } from './start-gate.ts';
import { StreamSink, type StreamStart } from './stream-sink.ts';
import { isJson, WholeSink } from './whole-sink.ts';

export interface Forwarding {
  readonly call: Call;
  readonly operation: Operation;
  readonly account: Account;
  /** What limits and budgets hold for the present attempt. */
  readonly reservation: Pick<Reservation, 'headers'>;
  readonly first: Attempt;
  /** Decides about another attempt while the client has nothing of the answer. Absent: there is none. */
  readonly next: NextAttempt | undefined;
  /** Hears who answers. Absent: there is nobody else to ask. */
  readonly health: Pick<RouteHealth, 'succeeded'> | undefined;
  /** Whether the start of a stream is held, so that another attempt can take its place. */
  readonly holdsStart: boolean;
  readonly keepOutput: boolean;
  /** Headers for the provider. */
  readonly headers: Readonly<Record<string, string>>;
  readonly response: ClientResponse;
  /** Headers of our own for the client. What is known only with the answer is added to them. */
  readonly responseHeaders: Record<string, string>;
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
 * which is settled before the client has the end of the answer. An attempt that fails before the client has any of its
 * answer may be followed by another one.
 *
 * @returns whether the client has the beginning of its answer
 */
export function forward(exchange: Exchange, forwarding: Forwarding): () => boolean {
  const made = new Forward(exchange, forwarding);
  made.send(forwarding.first);
  return () => made.hasBegun();
}

/** The first sink of each attempt's answer: chooses the sinks behind it, or another attempt. */
class Forward implements AnswerSink {
  readonly #exchange: Exchange;
  readonly #forwarding: Forwarding;
  readonly #client: ClientSink;
  readonly #observer: AnswerObserver;
  readonly #story: AttemptStory;
  #attempt: Attempt;
  #sent: Sent | undefined;
  /** The sink of this attempt's answer. Undefined until the answer begins. */
  #sink: StreamSink | WholeSink | undefined;
  #isOver = false;
  /** Whether this attempt's answer is one, and no failure. */
  #isAnswer = false;
  #drainTimer: NodeJS.Timeout | undefined;
  /** Limits the whole attempt, where its provider has such a limit. */
  #totalTimer: NodeJS.Timeout | undefined;
  /** Runs between two attempts. */
  #pause: NodeJS.Timeout | undefined;
  /** Whether a limit of the next attempt's key waits for the database. */
  #isDeciding = false;
  /** The headers of limits that the client would get now. */
  #rates: Reservation['headers'];

  constructor(exchange: Exchange, forwarding: Forwarding) {
    this.#exchange = exchange;
    this.#forwarding = forwarding;
    this.#attempt = forwarding.first;
    this.#rates = forwarding.reservation.headers;
    const { call, operation, account, response, responseHeaders, refuse } = forwarding;
    const runsInBackground = operation.runsInBackground?.(call.body) ?? false;
    const keepsAnswer = operation.keepsAnswer?.(call.body) ?? false;
    this.#story = new AttemptStory(responseHeaders);
    this.#client = new ClientSink({
      response,
      ownHeaders: responseHeaders,
      refuse: (problem) => refuse(this.#story.told(problem)),
      onDrain: () => this.#sent?.resume(),
      onGone: () => this.#drain(),
    });
    this.#observer = new AnswerObserver({
      ...{ call, account, runsInBackground, client: this.#client },
      // One that was translated is kept nowhere in this form, and one from the cache is whole.
      isKept: () => keepsAnswer && this.#attempt.format.translation === undefined && call.cached?.status !== 'hit',
    });
  }

  hasBegun(): boolean {
    return this.#client.hasBegun();
  }

  send(attempt: Attempt): void {
    this.#attempt = attempt;
    this.#sink = undefined;
    // A replayed answer is no attempt.
    const isReplayed = this.#forwarding.call.cached?.status === 'hit';
    if (!isReplayed) this.#story.begin(attempt);
    this.#observer.begin(null);
    const { key, format, model, body } = attempt;
    const { trace } = this.#forwarding.call;
    const { headers: stated = this.#forwarding.headers } = attempt;
    const headers = trace && !isReplayed ? trace.attempt({ key, path: format.path, model }, stated) : stated;
    clearTimeout(this.#totalTimer);
    const { totalTimeoutMs } = key.provider;
    if (totalTimeoutMs !== undefined) {
      this.#totalTimer = setTimeout(() => this.#sent?.abort(new ProxyError('upstream_timeout')), totalTimeoutMs);
    }
    // The first attempt is made when its intent is written, which is at the end of a turn of the event loop.
    const isTurnEnd = attempt === this.#forwarding.first;
    this.#sent = this.#exchange({ method: 'POST', path: format.path, model, key, headers, body, isTurnEnd }, this);
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#observer.begin(status);
    const reader = status === 200 ? this.#readerOf(headers) : undefined;
    this.#sink = reader
      ? new StreamSink(reader, this.#observer, this.#client, this.#makeStart())
      : this.#makeWholeSink();
    this.#isAnswer = status === 200;
    if (status === 200) this.#attempt.onTaken?.();
    this.#sink.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    return this.#sink?.chunk(bytes) ?? true;
  }

  end(last?: Buffer): void {
    const sink = this.#sink;
    sink?.end(last);
    if (this.#sink === sink) this.#finish();
  }

  fail(problem: ProxyError, isUnsent = false): void {
    if (this.#isOver) return;
    if (problem.cause === clientGone) this.#client.leave();
    this.#sink ??= this.#makeWholeSink();
    const sink = this.#sink;
    if (sink instanceof WholeSink) sink.fail(problem, isUnsent);
    else sink.fail(problem);
    if (this.#sink === sink) this.#finish();
  }

  /** The reader for a passing answer of this type. Undefined where the answer is read whole. */
  #readerOf(headers: AnswerHeaders): StreamReader | undefined {
    const { operation, keepOutput, call } = this.#forwarding;
    const { format, hideUsage } = this.#attempt;
    if (isStream(headers, format, call)) {
      const reader = format.readStream({ hideUsage, keepOutput, body: call.body });
      const guarded = call.guard?.output?.stream(reader) ?? reader;
      return operation.presentStream?.(guarded) ?? guarded;
    }
    return isJson(headers) ? undefined : format.readBytes?.(call.body);
  }

  #makeWholeSink(): WholeSink {
    const { call, operation, share } = this.#forwarding;
    const { format } = this.#attempt;
    const replace = this.#forwarding.next && ((failure: Failure) => this.#replace(failure));
    return new WholeSink({ call, operation, format, share, observer: this.#observer, client: this.#client, replace });
  }

  #makeStart(): StreamStart | undefined {
    if (!this.#forwarding.holdsStart) return undefined;
    return {
      gate: new StartGate(this.#client),
      failed: (reading) => this.#replace(failureOfStream(reading)),
      broken: (problem) => !isOurEnd(problem) && this.#replace(failureOfProblem(problem, false, null)),
    };
  }

  /** Begins another attempt in the place of one that failed, unless the client has some of its answer, or has gone. */
  #replace(failure: Failure): boolean {
    const { next } = this.#forwarding;
    this.#isAnswer = false;
    if (!next || this.#client.hasBegun() || this.#client.isGone()) return false;
    const tookMs = this.#observer.sinceSentMs();
    const following = next(this.#attempt, failure);
    if (!following) return false;
    this.#sent?.drop();
    clearTimeout(this.#totalTimer);
    this.#sent = undefined;
    this.#sink = undefined;
    if (following instanceof Promise) this.#decide(following, failure, tookMs);
    else this.#follow(following, failure, tookMs);
    return true;
  }

  #decide(following: Promise<Succeeding<Attempt>>, failure: Failure, tookMs: number): void {
    this.#isDeciding = true;
    following
      .catch((cause) => (cause instanceof ProxyError ? cause : new ProxyError('internal_error', { cause })))
      .then((decided) => {
        this.#isDeciding = false;
        this.#follow(decided, failure, tookMs);
      });
  }

  #follow(following: Succeeding<Attempt>, failure: Failure, tookMs: number): void {
    const { key } = this.#attempt;
    const isRefused = following instanceof ProxyError;
    this.#forwarding.account.replaced(key, failure, tookMs, isRefused ? key : following.attempt.key);
    this.#story.failed(failure);
    this.#forwarding.call.trace?.attemptFailed(failure);
    this.#showRates();
    if (this.#client.isGone()) {
      this.fail(new ProxyError('upstream_interrupted', { cause: clientGone }));
    } else if (isRefused) {
      // No attempt is under way.
      this.#observer.begin(null);
      this.#observer.failed(following, undefined);
      this.#client.fail(following);
      this.#finish();
    } else if (following.delayMs === 0) {
      this.send(following.attempt);
    } else {
      this.#pause = setTimeout(() => {
        this.#pause = undefined;
        this.send(following.attempt);
      }, following.delayMs);
    }
  }

  /** Limits of another key may be others. */
  #showRates(): void {
    const { reservation, responseHeaders } = this.#forwarding;
    const former = this.#rates;
    if (reservation.headers === former) return;
    this.#rates = reservation.headers;
    for (const name of Object.keys(former ?? {})) delete responseHeaders[name];
    Object.assign(responseHeaders, this.#rates);
  }

  /** Reads the answer although the client has gone, since the provider bills all of it. */
  #drain(): void {
    if (this.#isOver || this.#isDeciding) return;
    if (this.#pause) {
      clearTimeout(this.#pause);
      this.fail(new ProxyError('upstream_interrupted', { cause: clientGone }));
      return;
    }
    this.#sent?.resume();
    this.#drainTimer = setTimeout(() => this.#sent?.abort(clientGone), this.#forwarding.drainMs);
    this.#drainTimer.unref();
  }

  #finish(): void {
    this.#isOver = true;
    if (this.#isAnswer) this.#forwarding.health?.succeeded(this.#attempt.key);
    clearTimeout(this.#drainTimer);
    clearTimeout(this.#totalTimer);
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
