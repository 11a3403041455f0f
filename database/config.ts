import type { Queryable } from './queryable.ts';

/**
 * The rows of an organization's configuration that changed since a version. Deleted rows are included, marked as
 * deleted.
 */
export interface ConfigChanges {
  /** The version that a reader has once it has these rows. */
  readonly version: number;
  /** Age of the newest change in milliseconds, by the database's clock. */
  readonly ageMs: number;
  readonly organization: ConfigOrganization | undefined;
  readonly personas: readonly ConfigPersona[];
  readonly apiKeys: readonly ConfigApiKey[];
  /** Only users whose row has ever changed. */
  readonly users: readonly ConfigUser[];
  readonly revocations: readonly ConfigRevocation[];
  readonly accessKeys: readonly ConfigAccessKey[];
  readonly deployments: readonly ConfigDeployment[];
}

export interface ConfigOrganization {
  readonly organization_id: string;
  readonly name: string;
  /** The Organization's spec, as in crds/organization.yaml. */
  readonly spec: unknown;
  readonly is_deleted: boolean;
  /**
   * Whether objects of each member namespace serve all member namespaces, as before `spec.sharing` existed. Absent:
   * true.
   */
  readonly shares_by_default?: boolean;
}

export interface ConfigPersona {
  readonly persona_id: string;
  readonly resource: string | null;
  /**
   * The only namespace whose pods the persona serves. Null: all namespaces. Absent (in a snapshot kept by an older
   * proxy): all namespaces.
   */
  readonly serves_namespace?: string | null;
  readonly name: string;
  readonly description: string | null;
  /** Base64 of the envelope, sealed with the key of that namespace or with the organization's data key. */
  readonly content_sealed: string;
  readonly users: readonly string[];
  readonly model: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly is_active: boolean;
  readonly is_deleted: boolean;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface ConfigApiKey {
  readonly api_key_id: string;
  readonly resource: string | null;
  /** As in ConfigPersona. */
  readonly serves_namespace?: string | null;
  readonly provider: string;
  readonly user_external_id: string | null;
  readonly models: readonly string[] | null;
  /** Base64 of the envelope. */
  readonly key_sealed: string;
  /** Lower-case hexadecimal. */
  readonly synthetic_key_sha256: string;
  /**
   * The roles of calls with the synthetic key. Null, or absent in a snapshot kept by an older proxy: the organization's
   * default roles.
   */
  readonly roles?: readonly string[] | null;
  /** As in crds/binding-rules.ts. Null, or absent in a snapshot kept by an older proxy: none. */
  readonly rules?: unknown;
  readonly is_active: boolean;
  readonly is_deleted: boolean;
  /** Milliseconds since 1970; null: never. */
  readonly expires_at_ms: number | null;
}

export interface ConfigUser {
  readonly user_id: string;
  readonly is_active: boolean;
}

export interface ConfigRevocation {
  readonly kind: 'token' | 'user' | 'key' | 'all';
  readonly subject: string;
  /** Milliseconds since 1970. Null: revoked whenever issued. */
  readonly issued_before_ms: number | null;
  /** Milliseconds since 1970. Null: not known. */
  readonly expires_at_ms: number | null;
}

/** A key of the organization's own API that the API made. */
export interface ConfigAccessKey {
  readonly key_id: string;
  readonly name: string;
  readonly type: 'secret' | 'public';
  readonly roles: readonly string[];
  readonly origins: readonly string[] | null;
  readonly requests_per_hour: number | null;
  readonly visitor_requests_per_hour: number | null;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly former_sha256: string | null;
  /** Milliseconds since 1970. */
  readonly former_until_ms: number | null;
  readonly expires_at_ms: number | null;
  readonly is_deleted: boolean;
}

/** A model that the organization serves itself. */
export interface ConfigDeployment {
  readonly deployment_id: string;
  readonly key_id: string;
  /** The model of calls to it. */
  readonly name: string;
  /** The base URL. Null: nothing is there yet. */
  readonly address: string | null;
  /** Base64 of the envelope. */
  readonly key_sealed: string;
  readonly is_deleted: boolean;
}

/** The NOTIFY channel that announces an organization's changes. The notification has no payload. */
export function configChannel(organizationId: string): string {
  return `chaperone_${organizationId.replaceAll('-', '')}`;
}

/**
 * Reads the organization's change counter. It is 0 for an organization that is unknown, or that is not the caller's.
 */
export async function readConfigVersion(db: Queryable, organizationId: string): Promise<number> {
  const { rows } = await db.query<{ version: string }>(
    'select version from chaperone.config_versions where organization_id = $1::uuid',
    [organizationId],
  );
  return Number(rows[0]?.version ?? 0);
}

/**
 * Reads what changed after `sinceVersion` (0: everything). One statement, so all rows are of one moment. The rows come
 * as JSON, in the form in which a proxy keeps them on its volume.
 */
export async function readConfigChanges(
  db: Queryable,
  organizationId: string,
  sinceVersion: number,
): Promise<ConfigChanges> {
  const { rows } = await db.query<{
    version: string | null;
    age_ms: number | null;
    organization: ConfigOrganization | null;
    personas: ConfigPersona[];
    api_keys: ConfigApiKey[];
    users: ConfigUser[];
    revocations: ConfigRevocation[];
    access_keys: ConfigAccessKey[];
    deployments: ConfigDeployment[];
  }>(
    `select
       (select version from chaperone.config_versions where organization_id = $1::uuid) as version,
       (select (extract(epoch from clock_timestamp() - changed_at) * 1000)::float8
          from chaperone.config_versions where organization_id = $1::uuid) as age_ms,
       (select to_jsonb(o) from (
          select organization_id, name, spec, shares_by_default, deleted_at is not null as is_deleted
          from chaperone.organizations where organization_id = $1::uuid and config_version > $2::bigint) o) as organization,
       (select coalesce(jsonb_agg(p), '[]') from (
          select persona_id, resource, serves_namespace, name, description, translate(encode(content_encrypted, 'base64'), E'\\n', '') as content_sealed,
                 users, model, parameters, is_active, deleted_at is not null as is_deleted, created_at, updated_at
          from chaperone.personas where organization_id = $1::uuid and config_version > $2::bigint) p) as personas,
       (select coalesce(jsonb_agg(k), '[]') from (
          select api_key_id, resource, serves_namespace, provider, user_external_id, models,
                 translate(encode(key_encrypted, 'base64'), E'\\n', '') as key_sealed,
                 encode(synthetic_key_sha256, 'hex') as synthetic_key_sha256, roles, rules, is_active,
                 deleted_at is not null as is_deleted, extract(epoch from expires_at) * 1000 as expires_at_ms
          from chaperone.api_keys where organization_id = $1::uuid and config_version > $2::bigint) k) as api_keys,
       (select coalesce(jsonb_agg(u), '[]') from (
          select user_id, is_active
          from chaperone.users where organization_id = $1::uuid and config_version > $2::bigint) u) as users,
       (select coalesce(jsonb_agg(r), '[]') from (
          select kind, subject, extract(epoch from issued_before) * 1000 as issued_before_ms,
                 extract(epoch from expires_at) * 1000 as expires_at_ms
          from chaperone.revocations
          where organization_id = $1::uuid and config_version > $2::bigint) r) as revocations,
       (select coalesce(jsonb_agg(a), '[]') from (
          select key_id, name, type, roles, origins, requests_per_hour, visitor_requests_per_hour,
                 encode(sha256, 'hex') as sha256, encode(former_sha256, 'hex') as former_sha256,
                 extract(epoch from former_until) * 1000 as former_until_ms,
                 extract(epoch from expires_at) * 1000 as expires_at_ms, revoked_at is not null as is_deleted
          from chaperone.access_keys
          where organization_id = $1::uuid and config_version > $2::bigint) a) as access_keys,
       (select coalesce(jsonb_agg(d), '[]') from (
          select deployment_id, key_id, name, address,
                 translate(encode(key_encrypted, 'base64'), E'\\n', '') as key_sealed,
                 coalesce(delete_requested_at, deleted_at) is not null as is_deleted
          from chaperone.model_deployments
          where organization_id = $1::uuid and config_version > $2::bigint) d) as deployments`,
    [organizationId, sinceVersion],
  );
  const row = rows[0];
  return {
    version: Number(row?.version ?? 0),
    ageMs: row?.age_ms ?? 0,
    organization: row?.organization ?? undefined,
    personas: row?.personas ?? [],
    apiKeys: row?.api_keys ?? [],
    users: row?.users ?? [],
    revocations: row?.revocations ?? [],
    accessKeys: row?.access_keys ?? [],
    deployments: row?.deployments ?? [],
  };
}
