import { deletePast } from './past-rows.ts';
import type { Queryable } from './queryable.ts';

/**
 * An analysis result to store. `resultSealed` is sealed for `analysis_results.result`; the row id is the cache key in
 * hexadecimal.
 */
export interface AnalysisResultWrite {
  readonly organizationId: string;
  readonly cacheKey: Uint8Array;
  readonly resultSealed: Uint8Array;
  /** The saved config that was used, if any. */
  readonly analysisConfigId: string | null;
  /** The analyzed call, and its user. */
  readonly requestId: string;
  readonly userId: string;
}

/** Finds the result stored under the cache key, still sealed. A result older than `lifetimeMs` is not found. */
export async function findAnalysisResult(
  db: Queryable,
  organizationId: string,
  cacheKey: Uint8Array,
  lifetimeMs: number,
): Promise<Uint8Array | undefined> {
  const { rows } = await db.query<{ resultSealed: Uint8Array }>(
    `select result_encrypted as "resultSealed"
     from chaperone.analysis_results
     where organization_id = $1::uuid and cache_key = $2::bytea
       and created_at > now() - $3::float8 * interval '1 millisecond'`,
    [organizationId, cacheKey, lifetimeMs],
  );
  return rows[0]?.resultSealed;
}

/** Stores the result. A result that another proxy has stored first stays, unless it is older than `lifetimeMs`. */
export async function insertAnalysisResult(
  db: Queryable,
  result: AnalysisResultWrite,
  lifetimeMs: number,
): Promise<void> {
  await db.query(
    `insert into chaperone.analysis_results as kept
       (organization_id, cache_key, result_encrypted, analysis_config_id, request_id, user_id)
     values ($1::uuid, $2::bytea, $3::bytea, $4::uuid, $5::text, $6::uuid)
     on conflict (organization_id, cache_key) do update
       set result_encrypted = excluded.result_encrypted, analysis_config_id = excluded.analysis_config_id,
           request_id = excluded.request_id, user_id = excluded.user_id, created_at = now()
       where kept.created_at <= now() - $7::float8 * interval '1 millisecond'`,
    [
      result.organizationId,
      result.cacheKey,
      result.resultSealed,
      result.analysisConfigId,
      result.requestId,
      result.userId,
      lifetimeMs,
    ],
  );
}

/** Deletes every result that is older than its organization's `storage.analysisLifetime`. @returns how many */
export async function deleteExpiredAnalysisResults(db: Queryable): Promise<number> {
  return deletePast(db, 'analysis results');
}
