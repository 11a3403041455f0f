import type { PendingCall } from '../../../database/pending-calls.ts';
import type { FailedAttempt, RequestRecord } from '../../../database/requests.ts';

/** A call that has ended in any way. */
export interface SettledCall {
  readonly record: RequestRecord;
  /** How long the provider took. Meaningless where the record has no duration. */
  readonly upstreamMs: number;
  /** The trace that has the call. Absent: none has. */
  readonly traceId?: string | undefined;
}

/** Follows calls. A subscriber must never delay a call. */
export interface SettlementSubscriber {
  /** A call goes upstream. */
  opened?(): void;
  /** A call is no longer running here: it has ended, or it is pending. */
  closed?(): void;
  /** The call is pending. Only its end settles it. */
  deferred?(call: PendingCall): void;
  /** An attempt of a call has failed, and another takes its place. */
  attemptFailed?(record: RequestRecord, attempt: FailedAttempt, traceId: string | undefined): void;
  /** The provider reported implausible figures. The record does not have them. */
  implausible?(record: RequestRecord): void;
  /** The call has ended, and cannot be settled. The next start settles it, as one that was interrupted. */
  unsettled?(record: RequestRecord, cause: unknown): void;
  /** Called once per call, by one proxy: of those that see the call end, the one whose settlement counts. */
  settled?(call: SettledCall): void;
}
