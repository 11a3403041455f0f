import type { Queryable } from './queryable.ts';

/** A row in force that a Kubernetes resource owns. */
export interface OwnedRow {
  readonly kind: 'Persona' | 'ApiKeyBinding' | 'AnalysisConfig';
  readonly rowId: string;
  /** `namespace/name` */
  readonly resource: string;
}

/** Lists an organization's rows that resources own, without those that the API created. */
export async function listOwnedRows(db: Queryable, organizationId: string): Promise<OwnedRow[]> {
  const { rows } = await db.query<OwnedRow>(
    `select 'Persona' as kind, persona_id as "rowId", resource
     from chaperone.personas
     where organization_id = $1::uuid and resource is not null and deleted_at is null
     union all
     select 'ApiKeyBinding', api_key_id, resource
     from chaperone.api_keys
     where organization_id = $1::uuid and resource is not null and deleted_at is null
     union all
     select 'AnalysisConfig', analysis_config_id, resource
     from chaperone.analysis_configs
     where organization_id = $1::uuid and resource is not null and deleted_at is null`,
    [organizationId],
  );
  return rows;
}
