import type { PendingCall } from '../../../database/pending-calls.ts';
import { asCount, type Body } from '../../providers/json.ts';
import type { Reading } from '../../providers/reading.ts';
import { unknownUsage } from '../../providers/usage.ts';
import type { Outcome } from '../call.ts';
import { endStatusOf } from './end-status.ts';

/** How a call ended that its provider worked on after the answer. */
export type LateEnd =
  | {
      readonly reading: Reading;
      readonly answer: Body;
      readonly output: Buffer | string;
      /** What its parts cost together, where they have prices of their own. */
      readonly costUsd?: string | null | undefined;
    }
  /** The provider does not know it any more, or nobody can ask: its usage stays unknown. */
  | { readonly errorCode: string };

/** What its parts cost together; undefined where the usage tells the cost. */
export function lateCostOf(end: LateEnd): string | null | undefined {
  return 'costUsd' in end ? end.costUsd : undefined;
}

/** From the call's beginning to the end that the provider tells, else to now. */
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

/** When the provider says that it ended, in milliseconds since 1970. It says it in whole seconds. */
function endedAtMsOf(answer: Body): number | undefined {
  for (const field of ['completed_at', 'failed_at', 'cancelled_at', 'expired_at']) {
    const seconds = asCount(answer[field]);
    if (seconds !== null) return seconds * 1_000;
  }
  return undefined;
}
