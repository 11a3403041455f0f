import { joinSealed } from './contents.ts';
import { keptIdDigest } from './ids.ts';
import type { Queryable } from './queryable.ts';

/** One row of `requests` with what belongs to it, as JSON with the names of the columns (request-columns.ts). */
export interface RequestRecord {
  request_id: string;
  /** ISO 8601 in UTC; the same instant that the request id carries. */
  started_at: string;
  kind: 'call' | 'analysis';
  /** `responses`, `chat`, `embeddings`, … */
  operation: string;
  user_id: string;
  /** The `X-User-ID` behind `user_id`; null for calls without a user. Stored in `users`, not in `requests`. */
  user_external_id: string | null;
  session_id: string;
  turn_id: string | null;
  /** The pod's namespace and workload (Deployment, Job, …); null outside of pods. */
  namespace: string | null;
  workload: string | null;
  persona_id: string | null;
  api_key_id: string | null;
  provider: string;
  requested_model: string | null;
  model: string | null;
  is_stream: boolean;
  status: 'completed' | 'failed' | 'cancelled' | 'interrupted';
  http_status: number | null;
  error_code: string | null;
  response_id: string | null;
  previous_response_id: string | null;
  input_tokens: number | null;
  cached_input_tokens: number | null;
  cache_write_tokens: number | null;
  output_tokens: number | null;
  reasoning_tokens: number | null;
  total_tokens: number | null;
  /** Units that few calls have; absent where a call has none. The first six are parts of the tokens above. */
  input_audio_tokens?: number;
  input_image_tokens?: number;
  cached_audio_tokens?: number;
  cached_image_tokens?: number;
  output_audio_tokens?: number;
  output_image_tokens?: number;
  images?: number;
  image_size?: string;
  image_quality?: string;
  audio_seconds?: number;
  characters?: number;
  /**
   * Digests (`keptIdDigest`) of the ids by which later calls may refer to parts of the answer. Absent where there are
   * none.
   */
  kept_ids?: string[];
  /** The guardrails that found something in the call or in its answer, by name. Absent where none did. */
  guardrail_hits?: string[];
  /** The attempts that failed before the one that answered, in order. Absent where the first one answered. */
  attempts?: FailedAttempt[];
  /** US dollars as a decimal string, failed attempts included where their cost is known; null: unpriced. */
  cost_usd: string | null;
  /** What the cache of answers did. Absent where the organization has none. */
  cache_status?: 'hit' | 'miss' | 'bypass' | undefined;
  /** US dollars as decimal strings: what a hit would have cost, and half of that. Absent where it is not known. */
  avoided_cost_usd?: string;
  cache_savings_usd?: string;
  duration_ms: number | null;
  time_to_first_token_ms: number | null;
  /** The alias that the caller used for `requested_model`; absent where it named the model itself. */
  model_alias?: string | undefined;
  /** `X-Optimization-Level`; absent where the call has none. */
  optimization_level?: 'quality' | 'balanced' | 'speed' | undefined;
  /** `X-Service`: the part of a voice pipeline that the call is; absent where the call has none. */
  service?: 'asr' | 'llm' | 'translation' | 'tts' | undefined;
  /** `X-Language-Code`, else the language that a transcription reported; absent where neither says it. */
  language?: string | undefined;
  /** Where the call is among others (docs/conversations.md). Absent for calls that are none of texts. */
  conversation_id?: string | undefined;
  branch_id?: string | undefined;
  message_digest?: number | undefined;
  /** Absent where it continues no other call. */
  parent_digest?: number | undefined;
  new_messages?: number | undefined;
  /** The program that called, as its headers tell it; absent where they do not. */
  client_name?: string | undefined;
  client_version?: string | undefined;
  /** The body's `safety_identifier` and `user`: what a client says, which decides nothing. */
  safety_identifier?: string | undefined;
  end_user?: string | undefined;
  /**
   * What limits and budgets count of the call: for each count the unit (its place in `quotaUnits`), the counter, the
   * lease and the amount, all with commas between them. Absent where no rule counts the call. Added to `quota_leases`,
   * not stored in `requests`.
   */
  quota?: string;
}

/** A request to a provider that failed, and that another one replaced. */
export interface FailedAttempt {
  readonly provider: string;
  readonly api_key_id: string;
  /** What the failure said about the next attempt, such as `rate_limited`. */
  readonly kind: string;
  /** The provider's error code, else ours. */
  readonly reason: string;
  readonly http_status: number | null;
  readonly duration_ms: number;
  /** What the provider reported of it, and so bills. Absent where it reported nothing. */
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  /** US dollars as a decimal string. Absent where it is not known. */
  readonly cost_usd?: string;
}

/** The facts about an earlier call that a later request needs. */
export interface RequestReference {
  readonly requestId: string;
  readonly responseId: string | null;
  readonly userId: string;
  readonly sessionId: string;
  readonly apiKeyId: string | null;
  /** Null for calls without a conversation, and for those of versions that knew none. */
  readonly place: CallPlace | null;
}

/** Where a call is in a conversation. */
export interface CallPlace {
  readonly conversationId: string;
  readonly branchId: string;
  /** A keyed digest of the messages up to its answer, of 52 bits. */
  readonly messageDigest: number;
}

export function referenceOf(record: RequestRecord): RequestReference {
  return {
    requestId: record.request_id,
    responseId: record.response_id,
    userId: record.user_id,
    sessionId: record.session_id,
    apiKeyId: record.api_key_id,
    place: placeOf(record),
  };
}

function placeOf({ conversation_id, branch_id, message_digest }: RequestRecord): CallPlace | null {
  if (conversation_id == null || branch_id == null || message_digest == null) return null;
  return { conversationId: conversation_id, branchId: branch_id, messageDigest: message_digest };
}

const reference = `request_id as "requestId", response_id as "responseId", user_id as "userId",
  session_id as "sessionId", api_key_id as "apiKeyId",
  case when message_digest is not null then json_build_object('conversationId', conversation_id, 'branchId', branch_id,
    'messageDigest', message_digest) end as "place"`;

/** Finds a call by request id. `startedAtMs` is the time in that id (`requestStartedAtMs`). */
export async function findRequestById(
  db: Queryable,
  organizationId: string,
  requestId: string,
  startedAtMs: number,
): Promise<RequestReference | undefined> {
  const { rows } = await db.query<RequestReference>(
    `select ${reference}
     from chaperone.requests
     where organization_id = $1::uuid and started_at = $2::timestamptz and request_id = $3::text`,
    [organizationId, new Date(startedAtMs), requestId],
  );
  return rows[0];
}

/** Finds the newest call that the provider answered with this response id. */
export async function findRequestByResponseId(
  db: Queryable,
  organizationId: string,
  responseId: string,
): Promise<RequestReference | undefined> {
  const { rows } = await db.query<RequestReference>(
    `select ${reference}
     from chaperone.requests
     where organization_id = $1::uuid and response_id = $2::text
     order by started_at desc
     limit 1`,
    [organizationId, responseId],
  );
  return rows[0];
}

/**
 * Finds a call whose answer has a part with this id at the provider. It is not always the newest such call: no index
 * covers both.
 */
export async function findRequestByKeptId(
  db: Queryable,
  organizationId: string,
  keptId: string,
): Promise<RequestReference | undefined> {
  const { rows } = await db.query<RequestReference>(
    `select ${reference}
     from chaperone.requests
     where organization_id = $1::uuid and kept_ids @> array[$2::bigint]`,
    [organizationId, keptIdDigest(keptId)],
  );
  return rows[0];
}

/** A SQL expression for the start time in a request id (ids.ts), so that a look-up reads a single partition. */
export function startedAtOfRequest(requestId: string): string {
  return `case when ${requestId} ~ '^req_[0-9a-f]{32}$'
      then timestamptz 'epoch' + ('x' || substr(${requestId}, 5, 12))::bit(48)::bigint * interval '1 millisecond'
    end`;
}

/** The stored contents of a call. */
export interface RequestContents {
  readonly status: RequestRecord['status'];
  /** Sealed as in contents.ts; null where they were not stored. */
  readonly sealed: Uint8Array | null;
}

/** Reads the contents of a call by request id. `startedAtMs` is the time in that id (`requestStartedAtMs`). */
export async function findRequestContents(
  db: Queryable,
  organizationId: string,
  requestId: string,
  startedAtMs: number,
): Promise<RequestContents | undefined> {
  const { rows } = await db.query<RequestContents & FormerContents>(
    `select r.status, c.contents_encrypted as sealed, c.input_encrypted as "formerInput",
       c.output_encrypted as "formerOutput"
     from chaperone.requests r
       left join chaperone.request_contents c
         on c.organization_id = r.organization_id and c.started_at = r.started_at and c.request_id = r.request_id
     where r.organization_id = $1::uuid and r.started_at = $2::timestamptz and r.request_id = $3::text`,
    [organizationId, new Date(startedAtMs), requestId],
  );
  const [found] = rows;
  if (!found) return undefined;
  const { status, sealed, formerInput, formerOutput } = found;
  return { status, sealed: sealed ?? (formerInput && joinSealed(formerInput, formerOutput ?? undefined)) };
}

/** The stored contents of one of several calls. */
export interface ContentsOfRequest {
  readonly requestId: string;
  /** Sealed as in contents.ts. */
  readonly sealed: Uint8Array;
}

/** Reads the contents of calls by request id, as far as they are stored. The times are those in the ids. */
export async function listRequestContents(
  db: Queryable,
  organizationId: string,
  calls: readonly { readonly requestId: string; readonly startedAt: Date }[],
): Promise<ContentsOfRequest[]> {
  const { rows } = await db.query<ContentsOfRequest>(
    `select c.request_id as "requestId", c.contents_encrypted as sealed
     from unnest($2::text[], $3::timestamptz[]) as k (request_id, started_at)
       join chaperone.request_contents c
         on c.organization_id = $1::uuid and c.started_at = k.started_at and c.request_id = k.request_id
     where c.contents_encrypted is not null`,
    [organizationId, calls.map(({ requestId }) => requestId), calls.map(({ startedAt }) => startedAt)],
  );
  return rows;
}

/** Earlier versions stored input and output in a column each. */
interface FormerContents {
  readonly formerInput: Uint8Array | null;
  readonly formerOutput: Uint8Array | null;
}

/**
 * Makes the partitions of the month that contains `at`, unless they exist or the time is implausible.
 *
 * @param db the owner's connection; a tenant has no right to do this
 * @throws DatabaseError 55P03 where another session has locked the default partition; 55000 where it has too many
 * records
 */
export async function ensureRequestPartitions(db: Queryable, at: Date): Promise<void> {
  await db.query('select chaperone.make_request_partitions($1::timestamptz)', [at]);
}
