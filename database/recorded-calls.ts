import type { Client } from 'pg';
import type { Queryable } from './queryable.ts';

/** A recorded call, as far as rules and prices can judge it again. */
export interface RecordedCall {
  readonly requestId: string;
  readonly startedAtMs: number;
  /** Null: it never ended. */
  readonly durationMs: number | null;
  readonly kind: 'call' | 'analysis';
  readonly operation: string;
  readonly status: string;
  readonly httpStatus: number | null;
  readonly userId: string;
  readonly sessionId: string;
  readonly namespace: string | null;
  readonly workload: string | null;
  readonly apiKeyId: string | null;
  readonly provider: string;
  readonly requestedModel: string | null;
  /** The name by which it was asked for. Null: its own. */
  readonly modelAlias: string | null;
  readonly optimizationLevel: 'quality' | 'balanced' | 'speed' | null;
  readonly model: string | null;
  readonly previousResponseId: string | null;
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly outputTokens: number | null;
  readonly totalTokens: number | null;
  readonly inputAudioTokens: number | null;
  readonly cachedAudioTokens: number | null;
  readonly cachedImageTokens: number | null;
  readonly inputImageTokens: number | null;
  readonly outputAudioTokens: number | null;
  readonly outputImageTokens: number | null;
  readonly images: number | null;
  readonly imageSize: string | null;
  readonly imageQuality: string | null;
  readonly audioSeconds: number | null;
  readonly characters: number | null;
  /** Whether the cache answered, and no provider was asked. */
  readonly isReplayed: boolean;
  /** US dollars as a decimal string. Null: unpriced. */
  readonly costUsd: string | null;
}

/** How many calls are in memory at a time. */
const batchSize = 2_000;

const columns = `request_id as "requestId", (extract(epoch from started_at) * 1000)::float8 as "startedAtMs",
  duration_ms as "durationMs", kind, operation, status, http_status as "httpStatus", user_id as "userId",
  session_id as "sessionId", namespace, workload, api_key_id as "apiKeyId", provider,
  requested_model as "requestedModel", model_alias as "modelAlias",
  optimization_level as "optimizationLevel", model, previous_response_id as "previousResponseId",
  input_tokens::float8 as "inputTokens", cached_input_tokens::float8 as "cachedInputTokens",
  cache_write_tokens::float8 as "cacheWriteTokens", output_tokens::float8 as "outputTokens",
  total_tokens::float8 as "totalTokens", input_audio_tokens::float8 as "inputAudioTokens",
  input_image_tokens::float8 as "inputImageTokens", cached_audio_tokens::float8 as "cachedAudioTokens",
  cached_image_tokens::float8 as "cachedImageTokens", output_audio_tokens::float8 as "outputAudioTokens",
  output_image_tokens::float8 as "outputImageTokens", images, image_size as "imageSize",
  image_quality as "imageQuality", audio_seconds::float8 as "audioSeconds", characters::float8 as characters,
  coalesce(cache_status = 'hit', false) as "isReplayed", cost_usd::text as "costUsd"`;

const ofPeriod = `organization_id = $1::uuid
  and started_at >= to_timestamp($2::float8 / 1000) and started_at < to_timestamp($3::float8 / 1000)`;

/** Milliseconds since 1970; the end is not included. */
export interface CallPeriod {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Reads the recorded calls of an organization in order of time, by a cursor, as they are at one moment. Nothing else may
 * use the connection meanwhile but queries of the loop's body.
 *
 * @param client the owner's connection
 */
export async function* readRecordedCalls(
  client: Client,
  organizationId: string,
  { fromMs, toMs }: CallPeriod,
): AsyncGenerator<readonly RecordedCall[]> {
  await client.query('begin isolation level repeatable read read only');
  try {
    await client.query({
      text: `declare recorded_calls no scroll cursor for
        select ${columns} from chaperone.requests where ${ofPeriod} order by started_at, request_id`,
      values: [organizationId, fromMs, toMs],
    });
    for (;;) {
      const { rows } = await client.query<RecordedCall>(`fetch ${batchSize} from recorded_calls`);
      if (rows.length === 0) return;
      yield rows;
    }
  } finally {
    await client.query('rollback');
  }
}

/** Where a page of calls has ended. */
export interface CallPlace {
  /** As the database writes it, so that no part of it is lost. */
  readonly startedAt: string;
  readonly requestId: string;
}

export interface CallsOfPage {
  readonly calls: readonly RecordedCall[];
  /** The place of the last one. Undefined: there are no more. */
  readonly last: CallPlace | undefined;
}

/** Reads a page of recorded calls in order of time, for whoever may not hold a connection until the last one. */
export async function readRecordedPage(
  db: Queryable,
  organizationId: string,
  { fromMs, toMs }: CallPeriod,
  after: CallPlace | undefined,
  limit: number,
): Promise<CallsOfPage> {
  const { rows } = await db.query<RecordedCall & { place: string }>(
    `select ${columns}, started_at::text as place from chaperone.requests
     where ${ofPeriod} and ($4::timestamptz is null or (started_at, request_id) > ($4::timestamptz, $5::text))
     order by started_at, request_id limit $6::integer`,
    [organizationId, fromMs, toMs, after?.startedAt ?? null, after?.requestId ?? null, limit],
  );
  const last = rows.length < limit ? undefined : rows.at(-1);
  return { calls: rows, last: last && { startedAt: last.place, requestId: last.requestId } };
}

/** Reads the external ids of users. One who was erased has none. */
export async function readUserNames(
  db: Queryable,
  organizationId: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ userId: string; name: string | null }>(
    `select user_id as "userId", external_id as name
     from chaperone.users where organization_id = $1::uuid and user_id = any ($2::uuid[])`,
    [organizationId, userIds],
  );
  return new Map(rows.flatMap(({ userId, name }) => (name === null ? [] : [[userId, name] as const])));
}
