import type { Queryable } from './queryable.ts';

/** An analysis that is kept; `resultSealed` is sealed for `analysis_results.result`, its row id the key in hexadecimal. */
export interface AnalysisResultWrite {
  readonly organizationId: string;
  readonly cacheKey: Uint8Array;
  readonly resultSealed: Uint8Array;
  /** The saved config that was used, if any. */
  readonly analysisConfigId: string | null;
  /** The call that was analysed, and its user. */
  readonly requestId: string;
  readonly userId: string;
}

/** The result that is kept under the key, still sealed. */
export async function findAnalysisResult(
  db: Queryable,
  organizationId: string,
  cacheKey: Uint8Array,
): Promise<Uint8Array | undefined> {
  const { rows } = await db.query<{ resultSealed: Uint8Array }>(
    `select result_encrypted as "resultSealed"
     from chaperone.analysis_results
     where organization_id = $1::uuid and cache_key = $2::bytea`,
    [organizationId, cacheKey],
  );
  return rows[0]?.resultSealed;
}

/** Keeps the result. One that is there already stays: another proxy was faster. */
export async function insertAnalysisResult(db: Queryable, result: AnalysisResultWrite): Promise<void> {
  await db.query(
    `insert into chaperone.analysis_results
       (organization_id, cache_key, result_encrypted, analysis_config_id, request_id, user_id)
     values ($1::uuid, $2::bytea, $3::bytea, $4::uuid, $5::text, $6::uuid)
     on conflict do nothing`,
    [
      result.organizationId,
      result.cacheKey,
      result.resultSealed,
      result.analysisConfigId,
      result.requestId,
      result.userId,
    ],
  );
}
