import { toBytea } from './bytea.ts';
import type { Queryable } from './queryable.ts';

/** An analysis config as a YAML resource states it; `configSealed` is sealed for `analysis_configs.config`. */
export interface AnalysisConfigWrite {
  readonly organizationId: string;
  readonly analysisConfigId: string;
  /** `namespace/name` of the AnalysisConfig that owns the row. */
  readonly resource: string;
  /** The only namespace whose pods may use the config; its key seals the config. Null: all member namespaces. */
  readonly servesNamespace: string | null;
  readonly name: string;
  readonly description: string | null;
  readonly configSealed: Uint8Array;
  /** Whether calls are classified by it, or texts about conversations written. */
  readonly kind: 'classification' | 'template';
}

/**
 * Stores the configs, all or none. No config may be among them twice.
 *
 * @throws Postgres error 23505 on `analysis_configs_name` where another config of the organization has the name of one
 */
export async function upsertAnalysisConfigs(db: Queryable, configs: readonly AnalysisConfigWrite[]): Promise<void> {
  const rows = configs.map(({ configSealed, ...row }) => ({ ...row, configSealed: toBytea(configSealed) }));
  await db.query(
    `insert into chaperone.analysis_configs as c
       (organization_id, analysis_config_id, resource, name, description, config_encrypted, serves_namespace, kind)
     select "organizationId", "analysisConfigId", resource, name, description, "configSealed", "servesNamespace", kind
     from json_to_recordset($1::json) as row (
       "organizationId" uuid, "analysisConfigId" uuid, resource text, name text, description text,
       "configSealed" bytea, "servesNamespace" text, kind text
     )
     on conflict (organization_id, analysis_config_id) do update
       set resource = excluded.resource, name = excluded.name, description = excluded.description,
           config_encrypted = excluded.config_encrypted, serves_namespace = excluded.serves_namespace,
           kind = excluded.kind, is_active = true, deleted_at = null, updated_at = now()`,
    [JSON.stringify(rows)],
  );
}

/** Reads stored configs by id, to compare them with the resources. */
export async function findAnalysisConfigs(
  db: Queryable,
  organizationId: string,
  analysisConfigIds: readonly string[],
): Promise<ReadonlyMap<string, AnalysisConfigWrite>> {
  const { rows } = await db.query<AnalysisConfigWrite>(
    `select organization_id as "organizationId", analysis_config_id as "analysisConfigId", resource, name, description,
            config_encrypted as "configSealed", serves_namespace as "servesNamespace", kind
     from chaperone.analysis_configs
     where organization_id = $1::uuid and analysis_config_id = any($2::uuid[]) and deleted_at is null`,
    [organizationId, analysisConfigIds],
  );
  return new Map(rows.map((row) => [row.analysisConfigId, row]));
}

/**
 * Takes the config out of use.
 *
 * @returns whether it was in use
 */
export async function deleteAnalysisConfig(db: Queryable, organizationId: string, configId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.analysis_configs
     set deleted_at = now(), is_active = false
     where organization_id = $1::uuid and analysis_config_id = $2::uuid and deleted_at is null`,
    [organizationId, configId],
  );
  return rowCount === 1;
}

/** An analysis config as the API shows it, still sealed. */
export interface AnalysisConfigRow extends Omit<AnalysisConfigWrite, 'organizationId' | 'resource' | 'kind'> {
  /** `namespace/name` of the AnalysisConfig that owns the row; null where the API made it. */
  readonly resource: string | null;
  readonly isActive: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = `analysis_config_id as "analysisConfigId", resource, serves_namespace as "servesNamespace", name, description,
  config_encrypted as "configSealed", is_active as "isActive", created_at as "createdAt", updated_at as "updatedAt"`;

/**
 * Reads a config by id, whether a resource or the API made it.
 *
 * @param namespaces the namespaces that the reader acts for; a config that serves another namespace is not found
 */
export async function readAnalysisConfig(
  db: Queryable,
  organizationId: string,
  namespaces: readonly string[],
  analysisConfigId: string,
): Promise<AnalysisConfigRow | undefined> {
  const { rows } = await db.query<AnalysisConfigRow>(
    `select ${columns}
     from chaperone.analysis_configs
     where organization_id = $1::uuid and analysis_config_id = $2::uuid and deleted_at is null
       and kind = 'classification' and (serves_namespace is null or serves_namespace = any($3::text[]))`,
    [organizationId, analysisConfigId, namespaces],
  );
  return rows[0];
}

/**
 * Reads a config by name. A config that serves one of the namespaces comes before the organization's, whose names are
 * unique.
 */
export async function readAnalysisConfigByName(
  db: Queryable,
  organizationId: string,
  namespaces: readonly string[],
  name: string,
): Promise<AnalysisConfigRow | undefined> {
  const { rows } = await db.query<AnalysisConfigRow>(
    `select ${columns}
     from chaperone.analysis_configs
     where organization_id = $1::uuid and name = $2::text and deleted_at is null
       and kind = 'classification' and (serves_namespace is null or serves_namespace = any($3::text[]))
     order by serves_namespace nulls last
     limit 1`,
    [organizationId, name, namespaces],
  );
  return rows[0];
}

/**
 * Reads the settings of an active template of the session's own organization by its name, still sealed, as
 * `readAnalysisConfigByName`.
 */
export async function readAnalysisTemplate(
  db: Queryable,
  namespaces: readonly string[],
  name: string,
): Promise<AnalysisConfigRow | undefined> {
  const { rows } = await db.query<AnalysisConfigRow>(
    `select ${columns} from chaperone.read_analysis_template($1::text[], $2::text)`,
    [namespaces, name],
  );
  return rows[0];
}

/** Lists a page of the organization's configs by name, with the total count. */
export async function listAnalysisConfigs(
  db: Queryable,
  organizationId: string,
  namespaces: readonly string[],
  page: { readonly isActive: boolean | undefined; readonly limit: number; readonly offset: number },
): Promise<{ readonly configs: readonly AnalysisConfigRow[]; readonly total: number }> {
  const { rows } = await db.query<AnalysisConfigRow & { total: number }>(
    `with listed as (
       select ${columns}
       from chaperone.analysis_configs
       where organization_id = $1::uuid and deleted_at is null and is_active = coalesce($2::boolean, is_active)
         and kind = 'classification' and (serves_namespace is null or serves_namespace = any($5::text[]))
     )
     select listed.*, counted.total
     from (select count(*)::int as total from listed) counted
       left join (
         select * from listed order by name, "servesNamespace" nulls last limit $3::bigint offset $4::bigint
       ) listed on true
     order by name, "servesNamespace" nulls last`,
    [organizationId, page.isActive ?? null, page.limit, page.offset, namespaces],
  );
  // A page past the end is one row that has only the total.
  const configs = rows.filter(({ analysisConfigId }) => analysisConfigId !== null);
  return { configs: configs.map(({ total: _, ...config }) => config), total: rows[0]?.total ?? 0 };
}

/**
 * Stores a config that the API creates.
 *
 * @throws Postgres error 23505 on `analysis_configs_name` where another config of the organization has the name
 */
export async function insertAnalysisConfig(
  db: Queryable,
  config: Omit<AnalysisConfigWrite, 'resource' | 'servesNamespace' | 'kind'> & { readonly isActive: boolean },
): Promise<AnalysisConfigRow> {
  const { rows } = await db.query<AnalysisConfigRow>(
    `insert into chaperone.analysis_configs
       (organization_id, analysis_config_id, name, description, config_encrypted, is_active)
     values ($1::uuid, $2::uuid, $3::text, $4::text, $5::bytea, $6::boolean)
     returning ${columns}`,
    [
      config.organizationId,
      config.analysisConfigId,
      config.name,
      config.description,
      config.configSealed,
      config.isActive,
    ],
  );
  const [row] = rows;
  if (!row) throw new Error('The insert returned no row');
  return row;
}

/** Changes that the API may make to a config that it created. Absent fields stay as they are. */
export interface AnalysisConfigChanges {
  readonly name?: string | undefined;
  /** Null removes the description. */
  readonly description?: string | null | undefined;
  readonly configSealed?: Uint8Array | undefined;
  readonly isActive?: boolean | undefined;
}

/**
 * Changes a config that the API created.
 *
 * @returns the changed config; undefined where there is none
 * @throws Postgres error 23505 on `analysis_configs_name` where another config of the organization has the name
 */
export async function updateAnalysisConfig(
  db: Queryable,
  organizationId: string,
  analysisConfigId: string,
  changes: AnalysisConfigChanges,
): Promise<AnalysisConfigRow | undefined> {
  const { description } = changes;
  const { rows } = await db.query<AnalysisConfigRow>(
    `update chaperone.analysis_configs
     set name = coalesce($3::text, name),
         description = case when $4::boolean then $5::text else description end,
         config_encrypted = coalesce($6::bytea, config_encrypted),
         is_active = coalesce($7::boolean, is_active),
         updated_at = now()
     where organization_id = $1::uuid and analysis_config_id = $2::uuid and resource is null and deleted_at is null
     returning ${columns}`,
    [
      organizationId,
      analysisConfigId,
      changes.name ?? null,
      description !== undefined,
      description ?? null,
      changes.configSealed ?? null,
      changes.isActive ?? null,
    ],
  );
  return rows[0];
}

/**
 * Takes a config that the API created out of use. A config that results refer to is deactivated; any other is deleted.
 *
 * @returns what became of it; undefined where there is none
 */
export async function retireAnalysisConfig(
  db: Queryable,
  organizationId: string,
  analysisConfigId: string,
): Promise<'deleted' | 'deactivated' | undefined> {
  const { rows } = await db.query<{ outcome: 'deleted' | 'deactivated' }>(
    `update chaperone.analysis_configs
     set is_active = false, updated_at = now(),
         deleted_at = case when exists (
           select from chaperone.analysis_results
           where organization_id = $1::uuid and analysis_config_id = $2::uuid) then null else now() end
     where organization_id = $1::uuid and analysis_config_id = $2::uuid and resource is null and deleted_at is null
     returning case when deleted_at is null then 'deactivated' else 'deleted' end as outcome`,
    [organizationId, analysisConfigId],
  );
  return rows[0]?.outcome;
}
