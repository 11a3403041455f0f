import type { Queryable } from './queryable.ts';

/** An analysis config as a YAML resource states it; `configSealed` is sealed for `analysis_configs.config`. */
export interface AnalysisConfigWrite {
  readonly organizationId: string;
  readonly analysisConfigId: string;
  /** `namespace/name` of the AnalysisConfig that owns the row. */
  readonly resource: string;
  readonly name: string;
  readonly description: string | null;
  readonly configSealed: Uint8Array;
}

/**
 * Stores the config.
 *
 * @throws Postgres error 23505 on `analysis_configs_name` where another config of the organization has the name
 */
export async function upsertAnalysisConfig(db: Queryable, config: AnalysisConfigWrite): Promise<void> {
  await db.query(
    `insert into chaperone.analysis_configs as c
       (organization_id, analysis_config_id, resource, name, description, config_encrypted)
     values ($1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::bytea)
     on conflict (organization_id, analysis_config_id) do update
       set resource = excluded.resource, name = excluded.name, description = excluded.description,
           config_encrypted = excluded.config_encrypted, is_active = true, deleted_at = null, updated_at = now()`,
    [
      config.organizationId,
      config.analysisConfigId,
      config.resource,
      config.name,
      config.description,
      config.configSealed,
    ],
  );
}

/** A stored config, to compare with what it should be. */
export async function findAnalysisConfig(
  db: Queryable,
  organizationId: string,
  analysisConfigId: string,
): Promise<AnalysisConfigWrite | undefined> {
  const { rows } = await db.query<AnalysisConfigWrite>(
    `select organization_id as "organizationId", analysis_config_id as "analysisConfigId", resource, name, description,
            config_encrypted as "configSealed"
     from chaperone.analysis_configs
     where organization_id = $1::uuid and analysis_config_id = $2::uuid and deleted_at is null`,
    [organizationId, analysisConfigId],
  );
  return rows[0];
}

/** Takes the config out of use. */
export async function deleteAnalysisConfig(db: Queryable, organizationId: string, configId: string): Promise<void> {
  await db.query(
    `update chaperone.analysis_configs
     set deleted_at = now(), is_active = false
     where organization_id = $1::uuid and analysis_config_id = $2::uuid and deleted_at is null`,
    [organizationId, configId],
  );
}
