import { requestStartedAtMs } from './ids.ts';
import type { Queryable } from './queryable.ts';
import type { FailedAttempt, RequestRecord } from './requests.ts';

/** A recorded call, for people. */
export interface ListedRequest {
  readonly requestId: string;
  readonly startedAt: Date;
  readonly kind: RequestRecord['kind'];
  readonly operation: string;
  readonly status: RequestRecord['status'];
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly userId: string;
  /** Null for calls without a user. */
  readonly user: string | null;
  readonly sessionId: string;
  readonly conversationId: string | null;
  readonly branchId: string | null;
  readonly personaId: string | null;
  readonly persona: string | null;
  readonly namespace: string | null;
  readonly workload: string | null;
  readonly clientName: string | null;
  readonly clientVersion: string | null;
  readonly provider: string;
  readonly requestedModel: string | null;
  readonly modelAlias: string | null;
  readonly model: string | null;
  readonly isStream: boolean;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly totalTokens: number | null;
  /** US dollars as a decimal string. Null: unpriced. */
  readonly costUsd: string | null;
  readonly durationMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  readonly cacheStatus: 'hit' | 'miss' | 'bypass' | null;
  readonly guardrailHits: readonly string[] | null;
  readonly attempts: readonly FailedAttempt[] | null;
}

/** Which calls are wanted. Null: of any. */
export interface RequestFilter {
  /** ISO 8601; the end is not included. */
  readonly since: string;
  readonly until: string | null;
  readonly kind: RequestRecord['kind'] | null;
  readonly status: string | null;
  readonly operation: string | null;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly conversationId: string | null;
  readonly personaId: string | null;
  readonly namespace: string | null;
  readonly provider: string | null;
  /** The model that answered or the one that was asked for. */
  readonly model: string | null;
  readonly errorCode: string | null;
  readonly guardrail: string | null;
  /** Only calls in which a guardrail has found something. */
  readonly hasGuardrailHits: boolean;
  readonly cacheStatus: string | null;
  readonly minDurationMs: number | null;
  /** The request id of the call before the first one of this page. */
  readonly before: string | null;
}

const listed = `r.request_id as "requestId", r.started_at as "startedAt", r.kind, r.operation, r.status,
  r.http_status as "httpStatus", r.error_code as "errorCode", r.user_id as "userId", u.external_id as "user",
  r.session_id as "sessionId", r.conversation_id as "conversationId", r.branch_id as "branchId",
  r.persona_id as "personaId", p.name as persona, r.namespace, r.workload, r.client_name as "clientName",
  r.client_version as "clientVersion", r.provider, r.requested_model as "requestedModel",
  r.model_alias as "modelAlias", r.model, r.is_stream as "isStream", r.input_tokens::float8 as "inputTokens",
  r.output_tokens::float8 as "outputTokens", r.total_tokens::float8 as "totalTokens", r.cost_usd::text as "costUsd",
  r.duration_ms as "durationMs", r.time_to_first_token_ms as "timeToFirstTokenMs", r.cache_status as "cacheStatus",
  r.guardrail_hits as "guardrailHits", r.attempts`;

const withNames = `left join chaperone.users u on u.organization_id = r.organization_id and u.user_id = r.user_id
  left join chaperone.personas p on p.organization_id = r.organization_id and p.persona_id = r.persona_id`;

/** Lists calls, the latest first. */
export async function listRequests(
  db: Queryable,
  organizationId: string,
  filter: RequestFilter,
  limit: number,
): Promise<ListedRequest[]> {
  const startedAtMs = filter.before === null ? undefined : requestStartedAtMs(filter.before);
  const { rows } = await db.query<ListedRequest>(
    `select ${listed}
     from (
       select * from chaperone.requests
       where organization_id = $1::uuid and started_at >= $2::timestamptz
         and ($3::timestamptz is null or started_at < $3::timestamptz)
         and ($4::timestamptz is null or (started_at, request_id) < ($4::timestamptz, $5::text))
         and ($6::text is null or kind = $6::text) and ($7::text is null or status = $7::text)
         and ($8::text is null or operation = $8::text) and ($9::uuid is null or user_id = $9::uuid)
         and ($10::text is null or session_id = $10::text)
         and ($11::uuid is null or conversation_id = $11::uuid)
         and ($12::uuid is null or persona_id = $12::uuid) and ($13::text is null or namespace = $13::text)
         and ($14::text is null or provider = $14::text)
         and ($15::text is null or requested_model = $15::text or model = $15::text)
         and ($16::text is null or error_code = $16::text)
         and ($17::text is null or $17::text = any (guardrail_hits))
         and (not $18::boolean or guardrail_hits is not null)
         and ($19::text is null or cache_status = $19::text)
         and ($20::integer is null or duration_ms >= $20::integer)
       order by started_at desc, request_id desc
       limit $21::integer
     ) r ${withNames}
     order by r.started_at desc, r.request_id desc`,
    [
      ...[organizationId, filter.since, filter.until, startedAtMs === undefined ? null : new Date(startedAtMs)],
      ...[filter.before, filter.kind, filter.status, filter.operation, filter.userId, filter.sessionId],
      ...[filter.conversationId, filter.personaId, filter.namespace, filter.provider, filter.model],
      ...[filter.errorCode, filter.guardrail, filter.hasGuardrailHits, filter.cacheStatus, filter.minDurationMs],
      limit,
    ],
  );
  return rows;
}

/** All that is recorded of a call. */
export interface RequestStory extends ListedRequest {
  readonly turnId: string | null;
  readonly optimizationLevel: string | null;
  readonly service: string | null;
  readonly language: string | null;
  readonly safetyIdentifier: string | null;
  readonly endUser: string | null;
  readonly responseId: string | null;
  readonly previousResponseId: string | null;
  /** The ApiKeyBinding of the key that was used, `namespace/name`. Null where none is known. */
  readonly binding: string | null;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly inputAudioTokens: number | null;
  readonly outputAudioTokens: number | null;
  readonly images: number | null;
  readonly audioSeconds: number | null;
  readonly characters: number | null;
  readonly avoidedCostUsd: string | null;
  readonly rating: { readonly rating: 1 | -1; readonly feedback: string | null; readonly ratedAt: string } | null;
}

/** Reads a call by its request id. `startedAtMs` is the time in that id (`requestStartedAtMs`). */
export async function findRequestStory(
  db: Queryable,
  organizationId: string,
  requestId: string,
  startedAtMs: number,
): Promise<RequestStory | undefined> {
  const { rows } = await db.query<RequestStory>(
    `select ${listed}, r.turn_id as "turnId", r.optimization_level as "optimizationLevel", r.service, r.language,
       r.safety_identifier as "safetyIdentifier", r.end_user as "endUser", r.response_id as "responseId",
       r.previous_response_id as "previousResponseId", k.resource as binding,
       r.cached_input_tokens::float8 as "cachedInputTokens", r.cache_write_tokens::float8 as "cacheWriteTokens",
       r.reasoning_tokens::float8 as "reasoningTokens", r.input_audio_tokens::float8 as "inputAudioTokens",
       r.output_audio_tokens::float8 as "outputAudioTokens", r.images, r.audio_seconds::float8 as "audioSeconds",
       r.characters::float8 as characters, r.avoided_cost_usd::text as "avoidedCostUsd",
       case when g.request_id is not null then json_build_object('rating', g.rating, 'feedback', g.feedback,
         'ratedAt', to_char(g.rated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end as rating
     from chaperone.requests r ${withNames}
       left join chaperone.api_keys k on k.organization_id = r.organization_id and k.api_key_id = r.api_key_id
       left join chaperone.ratings g on g.organization_id = r.organization_id and g.request_id = r.request_id
     where r.organization_id = $1::uuid and r.started_at = $2::timestamptz and r.request_id = $3::text`,
    [organizationId, new Date(startedAtMs), requestId],
  );
  return rows[0];
}
