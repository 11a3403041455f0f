import type { PendingQuota } from '../../../database/pending-calls.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import type { ProxyError } from '../../error.ts';
import type { Body } from '../../providers/json.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { CallContext } from '../context.ts';

/** An admitted call, as far as limits and budgets need to know it. */
export interface Sought {
  readonly context: CallContext;
  readonly operation: OperationName;
  readonly model: string | undefined;
  readonly key: RoutedKey;
  /** With the persona applied; for a form, its fields. */
  readonly body: Body;
  /** The bytes that go upstream. Undefined where they are not known yet, as of a form. */
  readonly sent: Buffer | string | undefined;
  /** Whether the body refers to stored resources, whose size is unknown. */
  readonly hasReferences: boolean;
  /** The calls of a batch. Undefined for any other call. */
  readonly lines?: BatchLines | undefined;
  /** Whether the request is no call of its own and has no record, as a count of tokens. It takes a place only. */
  readonly isUncounted?: boolean;
  /** Whether no provider is asked, since the answer is there. It is a request, and uses no tokens and no money. */
  readonly isReplayed?: boolean;
}

/** The calls in a batch's input file. */
export interface BatchLines {
  count: number;
  inputBytes: number;
  outputTokens: number;
  /** The models, with their share of the above. */
  readonly models: Map<string, { inputBytes: number; outputTokens: number }>;
}

/** A call's reservation of what is limited. Exactly one of `settle` and `release` ends it, once. */
export interface Reservation {
  /** What limits and budgets count of the call, with upper bounds (`RequestRecord.quota`). Undefined: nothing. */
  readonly quota: string | undefined;
  /** Headers of the answer. Undefined: none. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Fields of the body that must be replaced, where a budget shortens the answer. */
  readonly changes: Body | undefined;
  /**
   * Another attempt is to serve the call, mostly with another key. Reserves what the rules of that key count and what the
   * attempt may cost more. Then it gives back what only rules of the former key counted. `quota`, `headers` and `changes`
   * are those of the new attempt from then on.
   *
   * @param sought the call, as the next attempt makes it
   * @param failedNanoUsd what the attempts that failed have cost so far, in 10^-9 dollars: it stays counted
   * @returns the refusal where there is not enough; the reservation is then as before
   */
  moveTo(sought: Sought, failedNanoUsd: number): Refused | undefined | Promise<Refused | undefined>;
  /** What is kept of a call that the provider works on after its answer: its counts are in no lease of this proxy. */
  pendingQuota(): PendingQuota;
  /**
   * The call is no longer running here. The record gets the true amounts.
   *
   * @param record the record so far: with its usage, unless the provider works on
   */
  settle(record: RequestRecord): void;
  /** The call was not made. */
  release(): void;
}

/** An attempt that a rule does not admit. */
export interface Refused {
  readonly problem: ProxyError;
  /** Counts the refusal. To be called where the call ends with it. */
  readonly note: () => void;
}

/**
 * Reserves what a call needs, after admission and before it goes upstream. It waits only where too little is leased.
 *
 * @throws {ProxyError} where there is not enough; then nothing is reserved. The promise rejects with it, if there is one
 */
export type Reserve = (sought: Sought) => Reservation | Promise<Reservation>;

/** The reservation of a call that no rule counts. */
export const nothingReserved: Reservation = {
  quota: undefined,
  headers: undefined,
  changes: undefined,
  moveTo: () => undefined,
  pendingQuota: () => ({}),
  settle: () => {},
  release: () => {},
};
