import { toBytea } from './bytea.ts';
import type { Queryable } from './queryable.ts';

/**
 * A provider key as an ApiKeyBinding states it. `keySealed` is sealed for `api_keys.key`, under the key of the
 * namespace that it serves, else under the organization's data key.
 */
export interface ApiKeyWrite {
  readonly organizationId: string;
  readonly apiKeyId: string;
  /** `namespace/name` of the ApiKeyBinding. */
  readonly resource: string;
  /** The only namespace whose pods may use the key. Null: all member namespaces. */
  readonly servesNamespace: string | null;
  readonly provider: string;
  /** The only user who may use the key. Null: the whole organization. */
  readonly userExternalId: string | null;
  /** The models that the key may be used for, with `*` as wildcard. Null: all models. */
  readonly models: readonly string[] | null;
  readonly keySealed: Uint8Array;
  readonly fingerprint: string;
  readonly syntheticKeySha256: Uint8Array;
  /** The roles of calls with the synthetic key. Null: the organization's default roles. */
  readonly roles: readonly string[] | null;
  /** The limits, budgets and tier of calls with the key, as in crds/binding-rules.ts. Null: none. */
  readonly rules: object | null;
  readonly isActive: boolean;
  readonly expiresAt: Date | null;
}

/** Stores the keys, all or none. No key may be among them twice. */
export async function upsertApiKeys(db: Queryable, keys: readonly ApiKeyWrite[]): Promise<void> {
  const rows = keys.map(({ keySealed, syntheticKeySha256, ...row }) => ({
    ...row,
    keySealed: toBytea(keySealed),
    syntheticKeySha256: toBytea(syntheticKeySha256),
  }));
  await db.query(
    `insert into chaperone.api_keys as k
       (organization_id, api_key_id, resource, provider, user_external_id, models, key_encrypted, fingerprint,
        synthetic_key_sha256, roles, rules, is_active, expires_at, serves_namespace)
     select "organizationId", "apiKeyId", resource, provider, "userExternalId", models, "keySealed", fingerprint,
            "syntheticKeySha256", roles, rules, "isActive", "expiresAt", "servesNamespace"
     from json_to_recordset($1::json) as row (
       "organizationId" uuid, "apiKeyId" uuid, resource text, provider text, "userExternalId" text, models text[],
       "keySealed" bytea, fingerprint text, "syntheticKeySha256" bytea, roles text[], rules jsonb,
       "isActive" boolean, "expiresAt" timestamptz, "servesNamespace" text
     )
     on conflict (organization_id, api_key_id) do update
       set resource = excluded.resource, provider = excluded.provider, user_external_id = excluded.user_external_id,
           models = excluded.models, key_encrypted = excluded.key_encrypted, fingerprint = excluded.fingerprint,
           synthetic_key_sha256 = excluded.synthetic_key_sha256, roles = excluded.roles,
           rules = excluded.rules, is_active = excluded.is_active, expires_at = excluded.expires_at,
           serves_namespace = excluded.serves_namespace, deleted_at = null, updated_at = now()`,
    [JSON.stringify(rows)],
  );
}

/** Reads stored keys by id, to compare them with the resources. */
export async function findApiKeys(
  db: Queryable,
  organizationId: string,
  apiKeyIds: readonly string[],
): Promise<ReadonlyMap<string, ApiKeyWrite>> {
  const { rows } = await db.query<ApiKeyWrite>(
    `select organization_id as "organizationId", api_key_id as "apiKeyId", resource, provider, serves_namespace as "servesNamespace",
            user_external_id as "userExternalId", models, key_encrypted as "keySealed", fingerprint,
            synthetic_key_sha256 as "syntheticKeySha256", roles, rules, is_active as "isActive", expires_at as "expiresAt"
     from chaperone.api_keys
     where organization_id = $1::uuid and api_key_id = any($2::uuid[]) and deleted_at is null`,
    [organizationId, apiKeyIds],
  );
  return new Map(rows.map((row) => [row.apiKeyId, row]));
}

/**
 * Takes the key out of use and erases it. The row stays, since requests refer to it.
 *
 * @returns whether it was in use
 */
export async function deleteApiKey(db: Queryable, organizationId: string, apiKeyId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.api_keys
     set deleted_at = now(), is_active = false, key_encrypted = '', synthetic_key_sha256 = '', rules = null
     where organization_id = $1::uuid and api_key_id = $2::uuid and deleted_at is null`,
    [organizationId, apiKeyId],
  );
  return rowCount === 1;
}
