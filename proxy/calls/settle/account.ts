import type { Envelope } from '../../../database/envelope.ts';
import { keptIdDigest } from '../../../database/ids.ts';
import type { PendingCall } from '../../../database/pending-calls.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { ProxyError } from '../../error.ts';
import type { Price } from '../../prices/price.ts';
import type { Usage } from '../../providers/usage.ts';
import { type Spool, SpoolError } from '../../spool/spool.ts';
import type { Call, Outcome } from '../call.ts';
import { mentions, withoutEchoes } from '../resources/echoes.ts';
import { removeImplausible } from './figures.ts';
import type { Metrics } from './metrics.ts';

/** The account of one call: opened before it goes upstream, settled once. */
export interface Account {
  /** Notes that the provider works on after its answer, under this id: from then on only its end settles the call. */
  defer(responseId: string): void;
  /** Seals what was asked ahead of the settlement, while the provider works and nobody waits for us. */
  sealInput(): void;
  /** Later settlements of the same call do nothing. */
  settle(outcome: Outcome): void;
  isSettled(): boolean;
  /** US dollars as a decimal string, once settled; null: unpriced. */
  costUsd(): string | null;
}

export interface AccountingOptions {
  readonly organizationId: string;
  /** Where this proxy's calls come from; undefined outside of pods. */
  readonly origin: Origin | undefined;
  readonly spool: Spool;
  readonly metrics: Metrics;
  /** Which request models may stand in a metric's label. */
  readonly labelOf: (model: string | null | undefined) => string;
  /** Told of each call that its provider works on. */
  readonly onDeferred: (call: PendingCall) => void;
}

/** The pod that a proxy serves. */
export interface Origin {
  readonly namespace: string;
  /** The Deployment, Job or the like that the pod belongs to. */
  readonly workload: string;
}

/** What of the configuration in force a call is accounted by. */
export interface AccountingTerms {
  readonly price: Price;
  /** Seals contents; undefined where the organization does not store them. */
  readonly envelope: Envelope | undefined;
}

/** Of an answer with more parts, the last cannot be named. */
const maxKeptIds = 1_000;

/** Larger texts are not kept; the call is accounted for all the same. */
const maxContentBytes = 1024 * 1024;

/** Makes the last step of the pipeline: the true usage and its price, into the spool and the metrics. */
export function makeAccounting(options: AccountingOptions) {
  const { organizationId, origin, spool, metrics, labelOf, onDeferred } = options;
  /**
   * Writes the intent, without which no call goes upstream.
   *
   * @throws {ProxyError} `spool_full` or `spool_unwritable`
   */
  return function openAccount(call: Call, terms: AccountingTerms): Account {
    const record = intentOf(call, origin);
    const handle = begin(spool, record);
    metrics.activeCalls.inc();
    let isSettled = false;
    let isDeferred = false;
    const sealInput = () => {
      if (!terms.envelope || record.input_sealed !== null) return;
      sealContent(record, 'input', call.input(), terms.envelope, organizationId);
    };
    return {
      sealInput,
      defer(responseId) {
        if (isSettled || isDeferred || mentions(call.input(), responseId)) return;
        isDeferred = true;
        sealInput();
        const pending = { ...record, response_id: storable(responseId, 200) };
        spool.defer(handle, pending);
        onDeferred(pending);
      },
      isSettled: () => isSettled,
      costUsd: () => record.cost_usd,
      settle(outcome) {
        if (isSettled) return;
        isSettled = true;
        metrics.activeCalls.dec();
        if (isDeferred && outcome.runsInBackground) return;
        complete(record, withoutEchoes(outcome, call.input()), terms.price);
        // A form may say it after its files, which is after the intent.
        record.is_stream = call.isStream();
        record.duration_ms = Math.round(performance.now() - call.startedTicks);
        if (removeImplausible(record).length > 0) metrics.implausible.inc(labelsOf(record, labelOf));
        sealInput();
        if (terms.envelope) sealContent(record, 'output', outcome.output, terms.envelope, organizationId);
        if (isDeferred) return spool.settleDeferred(record);
        spool.settle(handle, record);
        // Once the answer is on its way, which comes after this in the same turn of the event loop.
        queueMicrotask(() => report(metrics, labelOf, record, outcome.upstreamMs));
      },
    };
  };
}

function begin(spool: Spool, record: RequestRecord): number {
  try {
    return spool.begin(record);
  } catch (cause) {
    if (cause instanceof SpoolError) throw new ProxyError(`spool_${cause.code}`, { cause });
    throw cause;
  }
}

/** What is known before the call goes upstream. Left like this, it is the record of a call that was cut by our own end. */
function intentOf(call: Call, origin: Origin | undefined): RequestRecord {
  return {
    request_id: call.requestId,
    started_at: new Date(call.startedAtMs).toISOString(),
    kind: call.kind,
    operation: call.operation,
    user_id: call.caller.userId,
    user_external_id: call.caller.user === undefined ? null : storable(call.caller.user, 255),
    session_id: storable(call.caller.sessionId, 128),
    turn_id: call.caller.turnId === undefined ? null : storable(call.caller.turnId, 128),
    namespace: origin?.namespace ?? null,
    workload: origin?.workload ?? null,
    persona_id: call.persona?.id ?? null,
    api_key_id: call.key.id,
    provider: call.key.provider.name,
    requested_model: call.requestedModel === undefined ? null : storable(call.requestedModel, 200),
    model: null,
    is_stream: call.isStream(),
    status: 'interrupted',
    http_status: null,
    error_code: null,
    response_id: null,
    previous_response_id: call.previousResponseId === undefined ? null : storable(call.previousResponseId, 200),
    input_tokens: null,
    cached_input_tokens: null,
    cache_write_tokens: null,
    output_tokens: null,
    reasoning_tokens: null,
    total_tokens: null,
    cost_usd: null,
    duration_ms: null,
    time_to_first_token_ms: null,
    input_sealed: null,
    output_sealed: null,
    client_name: call.caller.client?.name,
    client_version: call.caller.client?.version,
    safety_identifier: attribute(call.body.safety_identifier),
    end_user: attribute(call.body.user),
  };
}

/** What a client says of the person behind it; left out of the record where it says nothing. */
function attribute(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? storable(value, 255) : undefined;
}

/** Puts into a record what became of its call. */
export function complete(record: RequestRecord, outcome: Outcome, price: Price): void {
  const { usage, serviceTier } = outcome;
  record.status = outcome.status;
  record.http_status = outcome.httpStatus;
  record.error_code = outcome.errorCode === null ? null : storable(outcome.errorCode, 200);
  record.response_id = outcome.responseId === null ? null : storable(outcome.responseId, 200);
  record.model = outcome.model === null ? null : storable(outcome.model, 200);
  record.input_tokens = usage.inputTokens;
  record.cached_input_tokens = usage.cachedInputTokens;
  record.cache_write_tokens = usage.cacheWriteTokens;
  record.output_tokens = usage.outputTokens;
  record.reasoning_tokens = usage.reasoningTokens;
  record.total_tokens = usage.totalTokens;
  addUnits(record, usage);
  const { keptIds = [] } = outcome;
  if (keptIds.length > 0) record.kept_ids = keptIds.slice(0, maxKeptIds).map(keptIdDigest);
  record.cost_usd = price(outcome.model, usage, serviceTier) ?? price(record.requested_model, usage, serviceTier);
  record.time_to_first_token_ms = outcome.timeToFirstTokenMs;
}

/** Beside plain tokens: a record is written twice for each call, so it has only what the call has. */
function addUnits(record: RequestRecord, usage: Usage): void {
  if (usage.inputAudioTokens) record.input_audio_tokens = usage.inputAudioTokens;
  if (usage.inputImageTokens) record.input_image_tokens = usage.inputImageTokens;
  if (usage.outputAudioTokens) record.output_audio_tokens = usage.outputAudioTokens;
  if (usage.outputImageTokens) record.output_image_tokens = usage.outputImageTokens;
  if (usage.images !== null) record.images = usage.images;
  if (usage.imageSize !== null) record.image_size = storable(usage.imageSize, 32);
  if (usage.imageQuality !== null) record.image_quality = storable(usage.imageQuality, 32);
  if (usage.audioSeconds !== null) record.audio_seconds = usage.audioSeconds;
  if (usage.characters !== null) record.characters = usage.characters;
}

/** Keeps what was asked or answered; nothing where there is nothing, or too much. */
export function sealContent(
  record: RequestRecord,
  part: 'input' | 'output',
  content: string | Buffer | undefined,
  envelope: Envelope,
  organizationId: string,
): void {
  const isKept = content !== undefined && content.length <= maxContentBytes;
  const subject = { organizationId, column: `request_contents.${part}`, rowId: record.request_id };
  record[`${part}_sealed`] = isKept ? envelope.seal(subject, content).toString('base64') : null;
}

/** Text that Postgres can store: no NUL, no lone surrogates, not endless. */
function storable(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed().replaceAll('\0', '\ufffd');
}

/** The labels of a call in metrics. */
export function labelsOf(record: RequestRecord, labelOf: AccountingOptions['labelOf']) {
  return {
    kind: record.kind,
    gen_ai_operation_name: record.operation,
    gen_ai_provider_name: record.provider,
    gen_ai_request_model: labelOf(record.requested_model),
  };
}

/** @param upstreamMs how long the provider took */
export function report(
  metrics: Metrics,
  labelOf: AccountingOptions['labelOf'],
  record: RequestRecord,
  upstreamMs: number,
): void {
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
  // Nobody knows how long a call took that ended with its process.
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

/** Whether the provider bills it, even if it did not say for what. */
function isBilled({ status, operation }: RequestRecord): boolean {
  return status === 'completed' && operation !== 'moderations';
}

function addsUp({ input_tokens: input, output_tokens: output, total_tokens: total }: RequestRecord): boolean {
  return input === null || output === null || total === null || input + output === total;
}

/** A provider's own error codes are free text, so a status stands for them. */
function errorTypeOf(record: RequestRecord): string {
  if (record.status !== 'failed') return record.status;
  if (record.error_code?.startsWith('upstream_')) return record.error_code;
  return record.http_status !== null && record.http_status >= 400 ? String(record.http_status) : 'failed';
}
