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
export function lateDurationMsOf({ started_at }: PendingCall, end: LateEnd): number {
  const endedAtMs = ('answer' in end ? endedAtMsOf(end.answer) : undefined) ?? Date.now();
  return Math.max(0, endedAtMs - Date.parse(started_at));
}

export function lateOutcomeOf({ response_id, http_status }: PendingCall, end: LateEnd): Outcome {
  const known = { httpStatus: http_status ?? 200, timeToFirstTokenMs: null, upstreamMs: 0 };
  if ('errorCode' in end) {
    return {
      ...known,
      status: 'interrupted',
      errorCode: end.errorCode,
      responseId: response_id,
      model: null,
      serviceTier: null,
      usage: unknownUsage,
      output: undefined,
    };
  }
  const { reading, output } = end;
  const { errorCode, model, serviceTier, usage, keptIds = [] } = reading;
  return {
    ...known,
    status: endStatusOf(reading),
    errorCode,
    responseId: response_id,
    model,
    serviceTier,
    usage,
    keptIds,
    output,
  };
}

/** The end that the provider reports, in milliseconds since 1970. Providers report whole seconds. */
function endedAtMsOf(answer: Body): number | undefined {
  for (const field of ['completed_at', 'failed_at', 'cancelled_at', 'expired_at']) {
    const seconds = asCount(answer[field]);
    if (seconds !== null) return seconds * 1_000;
  }
  return undefined;
}
