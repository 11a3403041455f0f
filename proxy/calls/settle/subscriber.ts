import type { PendingCall } from '../../../database/pending-calls.ts';
import type { RequestRecord } from '../../../database/requests.ts';

/** A call that has come to its end, whichever that is. */
export interface SettledCall {
  readonly record: RequestRecord;
  /** How long the provider took. Means nothing where the record does not know how long the call took. */
  readonly upstreamMs: number;
}

/** Follows what becomes of calls. Nothing that it does may keep a call waiting. */
export interface SettlementSubscriber {
  /** A call goes upstream. */
  opened?(): void;
  /** A call is not under way here any more: it has ended, or its provider works on without us. */
  closed?(): void;
  /** The provider works on after its answer: only the end of that settles the call. */
  deferred?(call: PendingCall): void;
  /** The provider told figures that no call can have. They are not in the record. */
  implausible?(record: RequestRecord): void;
  /** Told once of each call, by one proxy: of those that see it end, the one whose settlement counts. */
  settled?(call: SettledCall): void;
}
