import type { PendingCall } from '../../../database/pending-calls.ts';
import { asCount, type Body } from '../../providers/json.ts';
import type { Reading } from '../../providers/reading.ts';
import { unknownUsage } from '../../providers/usage.ts';
import type { Outcome } from '../call.ts';
import { endStatusOf } from './end-status.ts';

/** The end of a pending call. */
export type LateEnd =
  | {
      readonly reading: Reading;
      readonly answer: Body;
      readonly output: Buffer | string;
      /** The total cost of its parts, where they are priced separately. */
      readonly costUsd?: string | null | undefined;
    }
  /** The provider no longer knows the call, or it cannot be polled: its usage stays unknown. */
  | { readonly errorCode: string };

/** The total cost of its parts. Undefined where the usage gives the cost. */
export function lateCostOf(end: LateEnd): string | null | undefined {
  return 'costUsd' in end ? end.costUsd : undefined;
}

/** The time from the call's beginning to the end that the provider reports, else to now. */
export function lateDurationMsOf(pending: PendingCall, end: LateEnd): number {
  if (isCut(pending) && pending.duration_ms !== null) return pending.duration_ms;
  const endedAtMs = ('answer' in end ? endedAtMsOf(end.answer) : undefined) ?? Date.now();
  return Math.max(0, endedAtMs - Date.parse(pending.started_at));
}

/** Whether the call has ended for its client, whose answer broke off: only its usage is still to come. */
export function isCut({ error_code }: PendingCall): boolean {
  return error_code !== null;
}

export function lateOutcomeOf(pending: PendingCall, end: LateEnd): Outcome {
  const { response_id: responseId, http_status, error_code, status, time_to_first_token_ms } = pending;
  const known = {
    ...{ httpStatus: http_status ?? 200, timeToFirstTokenMs: time_to_first_token_ms, upstreamMs: 0, responseId },
  };
  const cut = isCut(pending) ? { status, errorCode: error_code } : undefined;
  if ('errorCode' in end) {
    return {
      ...known,
      status: 'interrupted',
      errorCode: end.errorCode,
      ...cut,
      model: null,
      serviceTier: null,
      usage: unknownUsage,
      output: undefined,
    };
  }
  const { reading, output } = end;
  const { errorCode, model, serviceTier, usage, keptIds = [] } = reading;
  return { ...known, status: endStatusOf(reading), errorCode, ...cut, model, serviceTier, usage, keptIds, output };
}

/** The end that the provider reports, in milliseconds since 1970. Providers report whole seconds. */
function endedAtMsOf(answer: Body): number | undefined {
  for (const field of ['completed_at', 'failed_at', 'cancelled_at', 'expired_at']) {
    const seconds = asCount(answer[field]);
    if (seconds !== null) return seconds * 1_000;
  }
  return undefined;
}
