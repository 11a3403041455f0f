import type { RequestRecord } from '../../../database/requests.ts';
import type { Metrics } from './metrics.ts';
import type { SettledCall, SettlementSubscriber } from './subscriber.ts';

/** Turns a model into a metric's label. */
type LabelOf = (model: string | null | undefined) => string;

/** Makes the subscriber that counts calls in the metrics. */
export function countCalls(metrics: Metrics, labelOf: LabelOf): SettlementSubscriber {
  return {
    opened: () => metrics.activeCalls.inc(),
    closed: () => metrics.activeCalls.dec(),
    implausible: (record) => metrics.implausible.inc(labelsOf(record, labelOf)),
    settled: (call) => report(metrics, labelOf, call),
  };
}

function labelsOf(record: RequestRecord, labelOf: LabelOf) {
  return {
    kind: record.kind,
    gen_ai_operation_name: record.operation,
    gen_ai_provider_name: record.provider,
    gen_ai_request_model: labelOf(record.requested_model),
  };
}

function report(metrics: Metrics, labelOf: LabelOf, { record, upstreamMs }: SettledCall): void {
  const call = labelsOf(record, labelOf);
  const labels = { ...call, gen_ai_response_model: labelOf(record.model) };
  metrics.calls.inc({ ...call, status: record.status });
  if (record.cost_usd !== null) metrics.cost.inc(call, Number(record.cost_usd));
  else if (hasUsage(record) || isBilled(record)) metrics.unpriced.inc(call);
  if (!addsUp(record)) metrics.usageMismatches.inc(call);
  if (record.input_tokens !== null)
    metrics.tokenUsage.observe({ ...labels, gen_ai_token_type: 'input' }, record.input_tokens);
  if (record.output_tokens !== null) {
    metrics.tokenUsage.observe({ ...labels, gen_ai_token_type: 'output' }, record.output_tokens);
  }
  if (record.images !== undefined) metrics.images.inc(call, record.images);
  if (record.audio_seconds !== undefined) metrics.audioSeconds.inc(call, record.audio_seconds);
  if (record.characters !== undefined) metrics.characters.inc(call, record.characters);
  // The duration of a call that ended with its process is unknown.
  if (record.duration_ms === null) return;
  const durationS = record.duration_ms / 1_000;
  const errorType = record.status === 'completed' ? '' : errorTypeOf(record);
  const ended = { ...labels, error_type: errorType };
  metrics.operationDuration.observe(ended, durationS);
  metrics.serverDuration.observe(ended, upstreamMs / 1_000);
  if (record.time_to_first_token_ms === null) return;
  const firstTokenS = record.time_to_first_token_ms / 1_000;
  metrics.timeToFirstToken.observe(labels, firstTokenS);
  const laterTokens = (record.output_tokens ?? 0) - 1;
  if (laterTokens > 0) metrics.timePerOutputToken.observe(labels, (durationS - firstTokenS) / laterTokens);
}

function hasUsage(record: RequestRecord): boolean {
  return (record.total_tokens ?? record.images ?? record.audio_seconds ?? record.characters) !== undefined;
}

/** Whether the provider bills the call, even if it reported no usage. */
function isBilled({ status, operation }: RequestRecord): boolean {
  return status === 'completed' && operation !== 'moderations';
}

function addsUp({ input_tokens: input, output_tokens: output, total_tokens: total }: RequestRecord): boolean {
  return input === null || output === null || total === null || input + output === total;
}

/** A provider's own error codes are free text, so the HTTP status replaces them. */
function errorTypeOf(record: RequestRecord): string {
  if (record.status !== 'failed') return record.status;
  if (record.error_code?.startsWith('upstream_')) return record.error_code;
  return record.http_status !== null && record.http_status >= 400 ? String(record.http_status) : 'failed';
}
