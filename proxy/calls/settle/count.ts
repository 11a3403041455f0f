import type { RequestRecord } from '../../../database/requests.ts';
import type { Distribution, Sum } from './accumulators.ts';
import type { Metrics } from './metrics.ts';
import type { SettlementSubscriber } from './subscriber.ts';

/** Turns a model into a metric's label. */
type LabelOf = (model: string | null | undefined) => string;

/** Makes the subscriber that counts an organization's calls in the metrics. */
export function countCalls(metrics: Metrics, organization: string, labelOf: LabelOf): SettlementSubscriber {
  const labelsOf = (record: RequestRecord, requestModel = labelOf(record.requested_model)) => ({
    organization,
    kind: record.kind,
    gen_ai_operation_name: record.operation,
    gen_ai_provider_name: record.provider,
    gen_ai_request_model: requestModel,
  });
  const known = new Map<string, CallMetrics>();
  const metricsOf = (record: RequestRecord): CallMetrics => {
    const requestModel = labelOf(record.requested_model);
    const responseModel = labelOf(record.model);
    const errorType = errorTypeOf(record);
    const { kind, operation, provider, status } = record;
    const key = `${kind}\n${operation}\n${provider}\n${status}\n${errorType}\n${requestModel}\n${responseModel}`;
    const found = known.get(key);
    if (found) return found;
    const made = new CallMetrics(metrics, labelsOf(record, requestModel), { status, responseModel, errorType });
    known.set(key, made);
    return made;
  };
  return {
    opened: () => metrics.activeCalls.add(1),
    closed: () => metrics.activeCalls.add(-1),
    attemptFailed: (_, { provider, kind }) => metrics.failedAttempts.inc({ gen_ai_provider_name: provider, kind }),
    implausible: (record) => metrics.implausible.of(labelsOf(record)).add(),
    settled({ record, upstreamMs, traceId }) {
      metricsOf(record).settled(record, upstreamMs, traceId);
      const { model_alias: alias, optimization_level: level = '', requested_model: model } = record;
      if (alias !== undefined) metrics.aliasCalls.inc({ alias, gen_ai_request_model: model ?? '', level });
    },
  };
}

interface CallLabels {
  readonly organization: string;
  readonly kind: string;
  readonly gen_ai_operation_name: string;
  readonly gen_ai_provider_name: string;
  readonly gen_ai_request_model: string;
}

interface End {
  readonly status: RequestRecord['status'];
  readonly responseModel: string;
  readonly errorType: string;
}

/** The metrics of all calls with the same labels. Each metric is found at its first use, and kept. */
class CallMetrics {
  readonly #metrics: Metrics;
  readonly #call;
  readonly #answer;
  readonly #ended;
  readonly #calls: Sum;
  #cost: Sum | undefined;
  #inputTokens: Distribution | undefined;
  #outputTokens: Distribution | undefined;
  #operationDuration: Distribution | undefined;
  #serverDuration: Distribution | undefined;
  #timeToFirstToken: Distribution | undefined;
  #timePerOutputToken: Distribution | undefined;

  constructor(metrics: Metrics, call: CallLabels, { status, responseModel, errorType }: End) {
    this.#metrics = metrics;
    this.#call = call;
    this.#answer = { ...call, gen_ai_response_model: responseModel };
    this.#ended = { ...this.#answer, error_type: errorType };
    this.#calls = metrics.calls.of({ ...call, status });
  }

  settled(record: RequestRecord, upstreamMs: number, traceId: string | undefined): void {
    this.#calls.add();
    if (record.cache_status) this.#addCache(record, record.cache_status);
    this.#addCost(record);
    this.#addUsage(record);
    // The duration of a call that ended with its process is unknown.
    if (record.duration_ms !== null)
      this.#addDurations(record, record.duration_ms / 1_000, upstreamMs / 1_000, traceId);
  }

  #addCost(record: RequestRecord): void {
    const metrics = this.#metrics;
    if (record.cost_usd !== null) {
      this.#cost ??= metrics.cost.of(this.#call);
      this.#cost.add(Number(record.cost_usd));
    } else if (hasUsage(record) || isBilled(record)) metrics.unpriced.of(this.#call).add();
    if (!addsUp(record)) metrics.usageMismatches.of(this.#call).add();
  }

  #addCache(
    { avoided_cost_usd: avoided, cache_savings_usd: savings }: RequestRecord,
    result: NonNullable<RequestRecord['cache_status']>,
  ): void {
    const { gen_ai_operation_name, gen_ai_request_model } = this.#call;
    this.#metrics.cacheRequests.of({ gen_ai_operation_name, gen_ai_request_model, result }).add();
    if (avoided !== undefined) this.#metrics.avoidedCost.of(this.#call).add(Number(avoided));
    if (savings !== undefined) this.#metrics.cacheSavings.of(this.#call).add(Number(savings));
  }

  #addUsage(record: RequestRecord): void {
    const metrics = this.#metrics;
    if (record.cache_status === 'hit') return;
    if (record.input_tokens !== null) {
      this.#inputTokens ??= metrics.tokenUsage.of({ ...this.#answer, gen_ai_token_type: 'input' });
      this.#inputTokens.observe(record.input_tokens);
    }
    if (record.output_tokens !== null) {
      this.#outputTokens ??= metrics.tokenUsage.of({ ...this.#answer, gen_ai_token_type: 'output' });
      this.#outputTokens.observe(record.output_tokens);
    }
    if (record.images !== undefined) metrics.images.of(this.#call).add(record.images);
    if (record.audio_seconds !== undefined) metrics.audioSeconds.of(this.#call).add(record.audio_seconds);
    if (record.characters !== undefined) metrics.characters.of(this.#call).add(record.characters);
  }

  #addDurations(record: RequestRecord, durationS: number, upstreamS: number, traceId: string | undefined): void {
    const metrics = this.#metrics;
    this.#operationDuration ??= metrics.operationDuration.of(this.#ended);
    this.#operationDuration.observe(durationS, traceId);
    // No provider was asked.
    if (record.cache_status === 'hit') return;
    this.#serverDuration ??= metrics.serverDuration.of(this.#ended);
    this.#serverDuration.observe(upstreamS, traceId);
    if (record.time_to_first_token_ms === null) return;
    const firstTokenS = record.time_to_first_token_ms / 1_000;
    this.#timeToFirstToken ??= metrics.timeToFirstToken.of(this.#answer);
    this.#timeToFirstToken.observe(firstTokenS, traceId);
    const laterTokens = (record.output_tokens ?? 0) - 1;
    if (laterTokens <= 0) return;
    this.#timePerOutputToken ??= metrics.timePerOutputToken.of(this.#answer);
    this.#timePerOutputToken.observe((durationS - firstTokenS) / laterTokens, traceId);
  }
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

/** A provider's own error codes are free text, so the HTTP status replaces them. Empty where the call succeeded. */
function errorTypeOf(record: RequestRecord): string {
  if (record.status === 'completed') return '';
  if (record.status !== 'failed') return record.status;
  if (record.error_code?.startsWith('upstream_')) return record.error_code;
  return record.http_status !== null && record.http_status >= 400 ? String(record.http_status) : 'failed';
}
