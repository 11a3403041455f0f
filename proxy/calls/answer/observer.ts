import type { ProxyError } from '../../error.ts';
import { isOurEnd } from '../../providers/failure.ts';
import type { Reading, StreamReader } from '../../providers/reading.ts';
import { unknownUsage } from '../../providers/usage.ts';
import type { Call, Outcome } from '../call.ts';
import { clientGone } from '../client-gone.ts';
import type { Account } from '../settle/account.ts';
import { endStatusOf } from '../settle/end-status.ts';
import type { ClientSink } from './client-sink.ts';

export interface ObserverOptions {
  readonly call: Call;
  readonly account: Account;
  /** Whether the provider works on after its answer, so that a client that leaves cancels nothing. */
  readonly runsInBackground: boolean;
  /** Whether the provider keeps this attempt's answer, so that one that breaks off can be read there. */
  readonly isKept: () => boolean;
  readonly client: Pick<ClientSink, 'isGone' | 'hold'>;
}

/** The part of the observer that sinks use. */
export type Observer = Pick<AnswerObserver, 'progress' | 'deferWhilePending' | 'answered' | 'failed'>;

/** Observes an answer for its call's account, while it passes and at its end. Only the first end counts. */
export class AnswerObserver {
  readonly #options: ObserverOptions;
  #sentAtTicks = 0;
  #status: number | null = null;
  #timeToFirstTokenMs: number | null = null;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** An answer with this status begins. Null: an attempt begins. */
  begin(status: number | null): void {
    this.#status = status;
    if (status === null) this.#sentAtTicks = performance.now();
  }

  /** How long the present attempt has taken so far. */
  sinceSentMs(): number {
    return performance.now() - this.#sentAtTicks;
  }

  /** A part of a stream has been read. */
  progress(reader: StreamReader): void {
    if (this.#options.runsInBackground) this.#defer(reader.partial());
    if (this.#timeToFirstTokenMs !== null || !reader.hasOutput()) return;
    this.#timeToFirstTokenMs = Math.round(performance.now() - this.#options.call.startedTicks);
  }

  /** A whole answer has been read, and the client does not have it yet. */
  deferWhilePending(reading: Reading): void {
    if (this.#options.runsInBackground && reading.state === 'pending') this.#defer(reading);
  }

  /** The end of the answer has been read. */
  answered(reading: Reading, output: string | Buffer | undefined): void {
    const { account, runsInBackground } = this.#options;
    if (account.isSettled()) return;
    const isPending = runsInBackground && reading.state === 'pending';
    const status = runsInBackground ? endStatusOf(reading) : this.#statusOf(reading.failed);
    account.settle(this.#outcomeOf(reading, status, isPending, reading.errorCode, output), this.#options.client.hold());
  }

  /**
   * The answer did not come, or broke off.
   *
   * @param reader the reader of a stream that broke off
   */
  failed(problem: ProxyError, reader: StreamReader | undefined): void {
    const { account, runsInBackground } = this.#options;
    if (account.isSettled()) return;
    const known = reader?.partial();
    const status = isOurEnd(problem) ? 'interrupted' : this.#statusOf(true);
    const code = problem.cause === clientGone ? (known?.errorCode ?? null) : problem.code;
    const outcome = this.#outcomeOf(known, status, runsInBackground, code, reader?.output());
    account.settle(
      this.#isDeferred(outcome) ? { ...outcome, runsInBackground: true } : outcome,
      this.#options.client.hold(),
    );
  }

  /** A stream that broke off after its id came: what it used is looked up where the provider keeps it. */
  #isDeferred({ runsInBackground, responseId, usage, ...end }: Outcome): boolean {
    if (runsInBackground || responseId === null || usage.totalTokens !== null || !this.#options.isKept()) return false;
    this.#options.account.defer(responseId, end);
    return true;
  }

  /** Must happen before the client has the id with which it can ask for the rest. */
  #defer({ responseId }: Reading): void {
    if (responseId !== null) this.#options.account.defer(responseId);
  }

  #statusOf(failed: boolean): Outcome['status'] {
    // A client that left before the end has cancelled the call, even if the provider went on.
    if (this.#options.client.isGone()) return 'cancelled';
    return failed ? 'failed' : 'completed';
  }

  #outcomeOf(
    known: Reading | undefined,
    status: Outcome['status'],
    runsInBackground: boolean,
    errorCode: string | null,
    output: string | Buffer | undefined,
  ): Outcome {
    return {
      runsInBackground,
      status,
      httpStatus: this.#status,
      errorCode: errorCode ?? (this.#options.client.isGone() ? 'client_disconnected' : null),
      responseId: known?.responseId ?? null,
      model: known?.model ?? null,
      serviceTier: known?.serviceTier ?? null,
      usage: known?.usage ?? unknownUsage,
      keptIds: known?.keptIds ?? [],
      language: known?.language ?? null,
      timeToFirstTokenMs: this.#timeToFirstTokenMs,
      upstreamMs: this.sinceSentMs(),
      output,
    };
  }
}
