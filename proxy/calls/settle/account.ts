import type { Envelope } from '../../../database/envelope.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import type { ProxyError } from '../../error.ts';
import type { Price } from '../../prices/price.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Outcome } from '../call.ts';
import type { Failure } from '../route/failure.ts';

export type OnWritten = (problem?: ProxyError) => void;

/** The account of a call. It is opened before the call goes upstream, and settled once. */
export interface Account {
  /** Begins to seal the contents while the provider works. Call it when the input is complete. */
  sealInput(): void;
  /**
   * Marks the call as pending under this id of the provider. From then on only its end settles the call.
   *
   * @param cut how the call has ended for its client, where only its usage is still to come
   */
  defer(responseId: string, cut?: CutEnd): void;
  /**
   * An attempt has failed. One with another key, or the same, takes its place, and has its reservation; or the call ends
   * since no rule admits another one.
   */
  replaced(failed: RoutedKey, failure: Failure, durationMs: number, next: RoutedKey): void;
  /**
   * Later settlements of the same call do nothing.
   *
   * @param onWritten is called when the client may have the end of the answer; with a problem where the call cannot be
   * settled, so that its client must not have it. The next start settles such a call
   */
  settle(outcome: Outcome, onWritten: OnWritten): void;
  /** The call was never made: nothing is recorded, and what was reserved is given back. */
  withdraw(): void;
  isSettled(): boolean;
  /** The record so far, as the spool has it. */
  intent(): RequestRecord;
  /** The call proves to be on another branch of its conversation. */
  move(branchId: string): void;
  /** US dollars as a decimal string, once settled; null: unpriced. */
  costUsd(): string | null;
}

/** How a call has ended whose answer broke off. */
export type CutEnd = Pick<Outcome, 'status' | 'httpStatus' | 'errorCode' | 'timeToFirstTokenMs'>;

/** The parts of the configuration that recording a call needs. */
export interface AccountingTerms {
  readonly price: Price;
  /** Seals contents. Undefined where the organization does not store them. */
  readonly envelope: Envelope | undefined;
}
