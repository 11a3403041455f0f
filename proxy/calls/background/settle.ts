import type { PendingCall } from '../../../database/pending-calls.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { asCount, type Body } from '../../providers/json.ts';
import type { Reading } from '../../providers/reading.ts';
import { unknownUsage } from '../../providers/usage.ts';
import type { Spool } from '../../spool/spool.ts';
import type { Outcome } from '../call.ts';
import { type AccountingTerms, complete, sealContent } from '../settle/account.ts';
import { endStatusOf } from '../settle/end-status.ts';
import { removeImplausible } from '../settle/figures.ts';

export interface LateSettlementOptions {
  readonly organizationId: string;
  readonly spool: Pick<Spool, 'settleDeferred'>;
  /** Told of a record whose provider told what no call can have. */
  readonly onImplausible: (record: RequestRecord) => void;
}

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

/**
 * Makes the settlement of calls whose end comes after their answer. The record has the id and the time that the first
 * one gave it, whichever proxy writes it, so that it is there once however many see the end. Metrics count it when it is
 * known who was first.
 */
export function makeLateSettlement({ organizationId, spool, onImplausible }: LateSettlementOptions) {
  return (pending: PendingCall, end: LateEnd, terms: AccountingTerms): void => {
    const record: RequestRecord = { ...pending };
    const startedAtMs = Date.parse(pending.started_at);
    complete(record, outcomeOf(pending, end), terms.price);
    if ('costUsd' in end && end.costUsd !== undefined) record.cost_usd = end.costUsd;
    const endedAtMs = ('answer' in end ? endedAtMsOf(end.answer) : undefined) ?? Date.now();
    record.duration_ms = Math.max(0, endedAtMs - startedAtMs);
    if (removeImplausible(record).length > 0) onImplausible(record);
    if (terms.envelope && 'output' in end) sealContent(record, 'output', end.output, terms.envelope, organizationId);
    spool.settleDeferred(record);
  };
}

function outcomeOf({ response_id, http_status }: PendingCall, end: LateEnd): Outcome {
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
