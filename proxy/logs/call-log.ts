import type { Logger } from 'pino';
import type { RequestRecord } from '../../database/requests.ts';
import type { SettlementSubscriber } from '../calls/settle/subscriber.ts';
import { makeLineBudget, usualBudget } from './line-budget.ts';

export interface CallLogOptions {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Whether every call gets a line, and not only one that fails. */
  readonly logsAll: () => boolean;
}

/**
 * Logs how calls end: a line for each attempt and each call that fails, and for every call where that is asked for. No
 * line has anything that somebody said, nor who the user is outside of Chaperone.
 */
export function logCalls({ log, logsAll }: CallLogOptions): SettlementSubscriber {
  const budget = makeLineBudget(usualBudget);
  const warn = (fields: object, message: string) => {
    const leftOut = budget.take();
    if (leftOut !== undefined) log.warn(leftOut === 0 ? fields : { ...fields, leftOut }, message);
  };
  return {
    attemptFailed({ request_id: requestId, requested_model: model }, attempt, traceId) {
      const { provider, kind, http_status: httpStatus, reason: code } = attempt;
      warn({ requestId, traceId, provider, model, kind, httpStatus, code }, 'an attempt has failed');
    },
    settled({ record, traceId }) {
      const { status } = record;
      if (status === 'failed' || status === 'interrupted') {
        if (logsAll()) log.warn(fieldsOf(record, traceId), 'a call has failed');
        else warn(fieldsOf(record, traceId), 'a call has failed');
      } else if (logsAll()) log.info(fieldsOf(record, traceId), 'call');
    },
  };
}

function fieldsOf(record: RequestRecord, traceId: string | undefined): object {
  return {
    requestId: record.request_id,
    traceId,
    kind: record.kind,
    operation: record.operation,
    provider: record.provider,
    model: record.requested_model,
    stream: record.is_stream || undefined,
    status: record.status,
    httpStatus: record.http_status,
    code: record.error_code ?? undefined,
    durationMs: record.duration_ms,
    firstTokenMs: record.time_to_first_token_ms ?? undefined,
    inputTokens: record.input_tokens,
    outputTokens: record.output_tokens,
    costUsd: record.cost_usd === null ? null : Number(record.cost_usd),
    cache: record.cache_status,
    attempts: record.attempts && record.attempts.length + 1,
    userId: record.user_id,
    sessionId: record.session_id,
    personaId: record.persona_id ?? undefined,
  };
}
