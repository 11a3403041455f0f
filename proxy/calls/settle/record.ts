import { keptIdDigest } from '../../../database/ids.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { timeText } from '../../../database/time-text.ts';
import type { Price } from '../../prices/price.ts';
import type { Usage } from '../../providers/usage.ts';
import type { Call, Outcome } from '../call.ts';
import { maxLanguageLength } from '../identify/language.ts';

/** The pod that a proxy serves. */
export interface Origin {
  readonly namespace: string;
  /** The Deployment, Job or the like that the pod belongs to. */
  readonly workload: string;
}

/** In an answer with more parts, calls cannot refer to the last ones. */
const maxKeptIds = 1_000;

/** Larger texts are not stored; the call is recorded all the same. */
const maxContentBytes = 1024 * 1024;

/**
 * Makes the intent: everything known before the call goes upstream. Unchanged, it is the record of a call that ended
 * with the process.
 */
export function intentOf(call: Call, origin: Origin | undefined): RequestRecord {
  const cacheStatus = call.cached?.status;
  const place = call.linked?.place;
  // One literal, without parts that are spread into it: V8 adds each of their fields by a call into its runtime.
  return {
    request_id: call.requestId,
    started_at: timeText(call.startedAtMs),
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
    // Nobody bills an answer from the cache.
    cost_usd: cacheStatus === 'hit' ? '0' : null,
    cache_status: cacheStatus,
    duration_ms: null,
    time_to_first_token_ms: null,
    conversation_id: place?.conversationId,
    branch_id: place?.branchId,
    message_digest: place?.messageDigest,
    parent_digest: place?.parentDigest,
    new_messages: place && Math.min(place.newMessages, maxNewMessages),
    client_name: call.caller.client?.name,
    client_version: call.caller.client?.version,
    model_alias: call.modelAlias === undefined ? undefined : storable(call.modelAlias, 200),
    optimization_level: call.caller.optimizationLevel,
    service: call.caller.service,
    language: call.caller.language,
    safety_identifier: attribute(call.body.safety_identifier),
    end_user: attribute(call.body.user),
  };
}

/** What PostgreSQL takes. */
const maxNewMessages = 1_000_000;

/** Adds what the body says about the person behind the call, unless the intent already has it. */
export function addAttributes(record: RequestRecord, { body }: Pick<Call, 'body'>): void {
  record.safety_identifier ??= attribute(body.safety_identifier);
  record.end_user ??= attribute(body.user);
}

/** Adds the guardrails that found something so far. */
export function noteGuardrails(record: RequestRecord, { guard }: Pick<Call, 'guard'>): void {
  const hits = guard?.hits() ?? [];
  if (hits.length > 0) record.guardrail_hits = [...hits];
}

/** An attribute from the body. Absent from the record where the body has none. */
function attribute(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? storable(value, 255) : undefined;
}

/** Completes a record with the call's outcome. */
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
  const { keptIds = [], language } = outcome;
  if (language) record.language ??= storable(language, maxLanguageLength);
  if (keptIds.length > 0) record.kept_ids = keptIds.slice(0, maxKeptIds).map(keptIdDigest);
  record.cost_usd =
    price(record.provider, outcome.model, usage, serviceTier) ??
    price(record.provider, record.requested_model, usage, serviceTier);
  record.time_to_first_token_ms = outcome.timeToFirstTokenMs;
}

/** Adds units other than plain tokens. A record is written twice per call, so it has only units that the call has. */
function addUnits(record: RequestRecord, usage: Usage): void {
  if (usage.inputAudioTokens) record.input_audio_tokens = usage.inputAudioTokens;
  if (usage.inputImageTokens) record.input_image_tokens = usage.inputImageTokens;
  if (usage.cachedAudioTokens) record.cached_audio_tokens = usage.cachedAudioTokens;
  if (usage.cachedImageTokens) record.cached_image_tokens = usage.cachedImageTokens;
  if (usage.outputAudioTokens) record.output_audio_tokens = usage.outputAudioTokens;
  if (usage.outputImageTokens) record.output_image_tokens = usage.outputImageTokens;
  if (usage.images !== null) record.images = usage.images;
  if (usage.imageSize !== null) record.image_size = storable(usage.imageSize, 32);
  if (usage.imageQuality !== null) record.image_quality = storable(usage.imageQuality, 32);
  if (usage.audioSeconds !== null) record.audio_seconds = usage.audioSeconds;
  if (usage.characters !== null) record.characters = usage.characters;
}

/** @returns undefined where there is no content, or it is too large to be stored */
export function storableContent<Content extends string | Buffer>(content: Content | undefined): Content | undefined {
  return content !== undefined && content.length <= maxContentBytes ? content : undefined;
}

/** Makes text that Postgres can store: without NUL and lone surrogates, and of limited length. */
export function storable(text: string, maxLength: number): string {
  // Nearly every text is as it should be.
  if (text.length <= maxLength && text.isWellFormed() && !text.includes('\0')) return text;
  return text.slice(0, maxLength).toWellFormed().replaceAll('\0', '\ufffd');
}
