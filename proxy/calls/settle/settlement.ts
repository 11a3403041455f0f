import {
  beginContents,
  type ContentsPlace,
  joinSealed,
  type OpenContents,
  sealContents,
  sealPart,
} from '../../../database/contents.ts';
import type { PendingCall } from '../../../database/pending-calls.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { ProxyError } from '../../error.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Spool } from '../../spool/spool.ts';
import { SpoolError } from '../../spool/spool-error.ts';
import type { Call, Outcome } from '../call.ts';
import type { Reservation } from '../reserve/reserve.ts';
import { settleQuota } from '../reserve/settle-quota.ts';
import { mentions, withoutEchoes } from '../resources/echoes.ts';
import type { Failure } from '../route/failure.ts';
import type { Account, AccountingTerms, CutEnd, OnWritten } from './account.ts';
import { addAttemptCosts, failedAttemptOf } from './failed-attempt.ts';
import { removeImplausible } from './figures.ts';
import { settleHit } from './hit.ts';
import { type LateEnd, lateCostOf, lateDurationMsOf, lateOutcomeOf } from './late-end.ts';
import { addAttributes, complete, intentOf, noteGuardrails, type Origin, storable, storableContent } from './record.ts';
import type { SettlementSubscriber } from './subscriber.ts';

export interface SettlementOptions {
  readonly organizationId: string;
  /** The pod of this proxy's calls. Undefined outside of pods. */
  readonly origin: Origin | undefined;
  readonly spool: Pick<Spool, 'begin' | 'amend' | 'settle' | 'defer' | 'settleDeferred' | 'withdraw'>;
  readonly subscribers: readonly SettlementSubscriber[];
}

/**
 * The one settlement of calls. It handles every end: answered, failed, cut and cancelled (`Account.settle`), in the
 * background (`settleLate`, then `arrivedFirst`) and by the end of the process (`recovered`). The record is in the
 * spool before subscribers hear of it, and they hear of each call once.
 */
export interface Settlement {
  /**
   * Writes the intent, without which no call goes upstream.
   *
   * @param reservation is settled with the call, or released where the call is refused
   * @param onOpened is called when the intent is written, at the end of this turn of the event loop
   * @param onRefused is called instead with `spool_full` or `spool_unwritable`
   */
  open(
    call: Call,
    terms: AccountingTerms,
    reservation: Reservation,
    onOpened: (account: Account) => void,
    onRefused: (problem: ProxyError) => void,
  ): void;
  /**
   * Settles a pending call. The record has the original id and start time, so there is one record even if several
   * proxies see the end. The database decides which of them was first.
   */
  settleLate(pending: PendingCall, end: LateEnd, terms: AccountingTerms): void;
  /** A late settlement of this proxy was the first to reach the database. */
  arrivedFirst(record: RequestRecord): void;
  /** The spool has settled a call that ended with an earlier process. */
  recovered(record: RequestRecord): void;
}

export function makeSettlement(options: SettlementOptions): Settlement {
  const tell = (record: RequestRecord, upstreamMs: number) => {
    for (const subscriber of options.subscribers) subscriber.settled?.({ record, upstreamMs });
  };
  return {
    open(call, terms, reservation, onOpened, onRefused) {
      const record = intentOf(call, options.origin);
      noteGuardrails(record, call);
      if (reservation.quota) record.quota = reservation.quota;
      const refuse = (cause: SpoolError) => {
        reservation.release();
        onRefused(new ProxyError(`spool_${cause.code}`, { cause }));
      };
      try {
        const handle = options.spool.begin(record, (error) => {
          if (error) refuse(error);
          else onOpened(new OpenAccount(options, call, terms, reservation, record, handle));
        });
      } catch (cause) {
        if (!(cause instanceof SpoolError)) throw cause;
        refuse(cause);
      }
    },
    settleLate(pending, end, terms) {
      const { input_sealed: input, output_sealed: _, keeps_contents: keeps = true, ...record } = pending;
      const outcome = lateOutcomeOf(pending, end);
      finish(options, record, terms, {
        outcome,
        durationMs: lateDurationMsOf(pending, end),
        costUsd: lateCostOf(end),
      });
      const place = { organizationId: options.organizationId, requestId: record.request_id };
      settleQuota(record);
      options.spool.settleDeferred(record, sealLate(terms, place, keeps ? input : null, outcome.output), () => {});
    },
    arrivedFirst: (record) => tell(record, record.duration_ms ?? 0),
    recovered: (record) => tell(record, 0),
  };
}

interface End {
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** Set where the cost does not derive from the usage. */
  readonly costUsd?: string | null | undefined;
}

/** Completes the record at the end of a call. */
function finish(
  { subscribers }: SettlementOptions,
  record: RequestRecord,
  { price }: AccountingTerms,
  { outcome, durationMs, costUsd }: End,
): void {
  complete(record, outcome, price);
  if (costUsd !== undefined) record.cost_usd = costUsd;
  if (record.attempts) addAttemptCosts(record);
  record.duration_ms = durationMs;
  if (removeImplausible(record).length > 0) for (const subscriber of subscribers) subscriber.implausible?.(record);
  if (record.cache_status === 'hit') settleHit(record);
}

/** What is already known of a call whose answer broke off. */
function endOfCut({ status, httpStatus, errorCode, timeToFirstTokenMs }: CutEnd, call: Call): Partial<RequestRecord> {
  return {
    ...{ status, http_status: httpStatus, error_code: errorCode ?? 'upstream_interrupted' },
    duration_ms: Math.round(performance.now() - call.startedTicks),
    time_to_first_token_ms: timeToFirstTokenMs,
  };
}

/** The contents of a call that was deferred: its input was sealed then. @returns undefined where they are not kept */
function sealLate(
  { envelope }: AccountingTerms,
  place: ContentsPlace,
  input: string | null,
  output: Outcome['output'],
): Buffer | undefined {
  if (input === null) return undefined;
  const kept = storableContent(output);
  const sealed = envelope && kept !== undefined ? sealPart(envelope, place, 'output', kept) : undefined;
  return joinSealed(Buffer.from(input, 'base64'), sealed);
}

class OpenAccount implements Account {
  readonly #options: SettlementOptions;
  readonly #call: Call;
  readonly #terms: AccountingTerms;
  readonly #record: RequestRecord;
  readonly #handle: number;
  readonly #reservation: Reservation;
  #contents: OpenContents | undefined;
  #isSettled = false;
  #isDeferred = false;
  /** Whether the reservation is settled. */
  #isGivenBack = false;

  constructor(
    options: SettlementOptions,
    call: Call,
    terms: AccountingTerms,
    reservation: Reservation,
    record: RequestRecord,
    handle: number,
  ) {
    this.#options = options;
    this.#call = call;
    this.#terms = terms;
    this.#reservation = reservation;
    this.#record = record;
    this.#handle = handle;
    for (const subscriber of options.subscribers) subscriber.opened?.();
  }

  sealInput(): void {
    const { envelope } = this.#terms;
    const input = envelope && storableContent(this.#call.input());
    if (!envelope || input === undefined || this.#isSettled || this.#isDeferred) return;
    this.#contents = beginContents(envelope, this.#place(), input);
  }

  defer(responseId: string, cut?: CutEnd): void {
    if (this.#isSettled || this.#isDeferred || mentions(this.#call.input(), responseId)) return;
    this.#isDeferred = true;
    const pending: PendingCall = {
      ...this.#record,
      ...(cut && endOfCut(cut, this.#call)),
      response_id: storable(responseId, 200),
      input_sealed: this.#sealPendingInput(),
      output_sealed: null,
      // Nobody judges the answer when it is read later.
      ...(this.#call.guard?.output && { keeps_contents: false }),
      ...this.#reservation.pendingQuota(),
    };
    this.#options.spool.defer(this.#handle, pending);
    for (const subscriber of this.#options.subscribers) subscriber.deferred?.(pending);
  }

  replaced(failed: RoutedKey, failure: Failure, durationMs: number, next: RoutedKey): void {
    const record = this.#record;
    const attempt = failedAttemptOf(failed, failure, durationMs, record.requested_model, this.#terms.price);
    record.attempts = [...(record.attempts ?? []), attempt];
    record.api_key_id = next.id;
    record.provider = next.provider.name;
    const { quota } = this.#reservation;
    if (quota === undefined) delete record.quota;
    else record.quota = quota;
    // Should the process die, the key that was asked last counts the call.
    if (!this.#isSettled && !this.#isDeferred) this.#options.spool.amend(this.#handle, record);
    const traceId = this.#call.trace?.traceId;
    for (const subscriber of this.#options.subscribers) subscriber.attemptFailed?.(record, attempt, traceId);
  }

  withdraw(): void {
    if (this.#isSettled || this.#isDeferred) return;
    this.#isSettled = true;
    for (const subscriber of this.#options.subscribers) subscriber.closed?.();
    this.#reservation.release();
    this.#options.spool.withdraw(this.#handle);
  }

  isSettled(): boolean {
    return this.#isSettled;
  }

  intent(): RequestRecord {
    return this.#record;
  }

  move(branchId: string): void {
    this.#record.branch_id = branchId;
  }

  costUsd(): string | null {
    return this.#record.cost_usd;
  }

  settle(outcome: Outcome, onWritten: OnWritten): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    try {
      this.#settle(outcome, onWritten);
    } catch (cause) {
      // The intent stays in the spool, so the next start settles the call.
      if (!this.#isGivenBack) this.#reservation.release();
      this.#call.cached?.giveUp();
      for (const subscriber of this.#options.subscribers) subscriber.unsettled?.(this.#record, cause);
      onWritten(new ProxyError('internal_error', { cause }));
    }
  }

  #settle(outcome: Outcome, onWritten: OnWritten): void {
    const { spool, subscribers } = this.#options;
    const call = this.#call;
    const record = this.#record;
    for (const subscriber of subscribers) subscriber.closed?.();
    if (outcome.status === 'failed') call.linked?.withdraw();
    call.trace?.settled(call, record, outcome);
    if (this.#isDeferred && outcome.runsInBackground) {
      call.cached?.giveUp();
      this.#giveBack();
      onWritten();
      return;
    }
    // A form may have these fields after its files, and so after the intent.
    record.is_stream = call.isStream();
    addAttributes(record, call);
    noteGuardrails(record, call);
    finish(this.#options, record, this.#terms, {
      outcome: withoutEchoes(outcome, call.input()),
      durationMs: Math.round(performance.now() - call.startedTicks),
    });
    this.#giveBack();
    if (this.#isDeferred) {
      spool.settleDeferred(record, this.#sealContents(outcome.output), onWritten);
      return;
    }
    spool.settle(this.#handle, record, this.#sealContents(outcome.output), () => {
      onWritten();
      // The answer is on its way.
      call.cached?.ended(outcome.status === 'completed', outcome.output);
      const settled = { record, upstreamMs: outcome.upstreamMs, traceId: call.trace?.traceId };
      for (const subscriber of subscribers) subscriber.settled?.(settled);
    });
  }

  #giveBack(): void {
    this.#reservation.settle(this.#record);
    this.#isGivenBack = true;
  }

  #place(): ContentsPlace {
    return { organizationId: this.#options.organizationId, requestId: this.#record.request_id };
  }

  /** @returns base64; null where the input is not kept */
  #sealPendingInput(): string | null {
    const { envelope } = this.#terms;
    // An answer that is not kept needs no input, unless people are to see what it answers.
    const { guard } = this.#call;
    if (guard?.output && !guard.mayHold()) return null;
    const input = envelope && storableContent(this.#call.input());
    if (!envelope || input === undefined) return null;
    return sealPart(envelope, this.#place(), 'input', input).toString('base64');
  }

  /** @returns undefined where the contents are not kept: an output without its input is not, either */
  #sealContents(output: Outcome['output']): Buffer | undefined {
    if (this.#contents) return this.#contents.end(storableContent(output));
    const { envelope } = this.#terms;
    const input = envelope && storableContent(this.#call.input());
    if (!envelope || input === undefined) return undefined;
    return sealContents(envelope, this.#place(), input, storableContent(output));
  }
}
