import type { Queryable } from './queryable.ts';

/** A key of the organization's own API, `sk_…` or `pk_…`, that the API made. The key itself is stored nowhere. */
export interface AccessKeyRow {
  readonly keyId: string;
  readonly name: string;
  readonly type: 'secret' | 'public';
  readonly roles: readonly string[];
  /** Of a public key: the origins of the web pages that may use it. */
  readonly origins: readonly string[] | null;
  readonly requestsPerHour: number | null;
  /** Of a public key: of each visitor. */
  readonly visitorRequestsPerHour: number | null;
  /** The beginning and the end of the key, to tell keys apart. */
  readonly hint: string;
  readonly expiresAt: Date | null;
  /** Until when the key before the last rotation is accepted, too. */
  readonly formerUntil: Date | null;
  readonly createdAt: Date;
  readonly rotatedAt: Date | null;
}

export interface AccessKeyWrite
  extends Pick<
    AccessKeyRow,
    | 'keyId'
    | 'name'
    | 'type'
    | 'roles'
    | 'origins'
    | 'requestsPerHour'
    | 'visitorRequestsPerHour'
    | 'hint'
    | 'expiresAt'
  > {
  readonly organizationId: string;
  /** SHA-256 of the key. It has 256 bits at random, so a digest without a secret tells nothing. */
  readonly digest: Uint8Array;
}

const columns = `key_id as "keyId", name, type, roles, origins, requests_per_hour as "requestsPerHour",
  visitor_requests_per_hour as "visitorRequestsPerHour", hint, expires_at as "expiresAt", former_until as "formerUntil",
  created_at as "createdAt", rotated_at as "rotatedAt"`;

/** Lists keys that are not revoked, by name. */
export async function listAccessKeys(
  db: Queryable,
  organizationId: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly keys: AccessKeyRow[]; readonly total: number }> {
  const { rows } = await db.query<AccessKeyRow & { total: number }>(
    `select ${columns}, (count(*) over ())::integer as total
     from chaperone.access_keys where organization_id = $1::uuid and revoked_at is null
     order by name limit $2::integer offset $3::integer`,
    [organizationId, limit, offset],
  );
  return { keys: rows, total: rows[0]?.total ?? 0 };
}

export async function readAccessKey(
  db: Queryable,
  organizationId: string,
  keyId: string,
): Promise<AccessKeyRow | undefined> {
  const { rows } = await db.query<AccessKeyRow>(
    `select ${columns} from chaperone.access_keys
     where organization_id = $1::uuid and key_id = $2::uuid and revoked_at is null`,
    [organizationId, keyId],
  );
  return rows[0];
}

/** @throws Postgres error 23505 on `access_keys_name` where another key has the name */
export async function insertAccessKey(db: Queryable, key: AccessKeyWrite): Promise<void> {
  const { organizationId, keyId, name, type, roles, origins, requestsPerHour, visitorRequestsPerHour } = key;
  await db.query(
    `insert into chaperone.access_keys (organization_id, key_id, name, type, roles, origins, requests_per_hour,
       visitor_requests_per_hour, sha256, hint, expires_at)
     values ($1::uuid, $2::uuid, $3::text, $4::text, $5::text[], $6::text[], $7::integer, $8::integer, $9::bytea,
       $10::text, $11::timestamptz)`,
    [
      ...[organizationId, keyId, name, type, roles, origins, requestsPerHour, visitorRequestsPerHour],
      ...[key.digest, key.hint, key.expiresAt],
    ],
  );
}

/**
 * Replaces a key by another one.
 *
 * @param overlapMs how long the former one is accepted, too
 * @returns whether there is such a key
 */
export async function rotateAccessKey(
  db: Queryable,
  organizationId: string,
  keyId: string,
  { digest, hint, overlapMs }: { readonly digest: Uint8Array; readonly hint: string; readonly overlapMs: number },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.access_keys
     set former_sha256 = sha256, former_until = now() + $5::float8 * interval '1 millisecond', sha256 = $3::bytea,
         hint = $4::text, rotated_at = now()
     where organization_id = $1::uuid and key_id = $2::uuid and revoked_at is null`,
    [organizationId, keyId, digest, hint, overlapMs],
  );
  return rowCount === 1;
}

/** Revokes a key for good. @returns whether there was one */
export async function revokeAccessKey(db: Queryable, organizationId: string, keyId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.access_keys set revoked_at = now(), former_until = null
     where organization_id = $1::uuid and key_id = $2::uuid and revoked_at is null`,
    [organizationId, keyId],
  );
  return rowCount === 1;
}

/** A key of any organization, for people: one that the API made, or that an Organization states. */
export interface ListedAccessKey
  extends Pick<AccessKeyRow, 'name' | 'type' | 'roles' | 'origins' | 'requestsPerHour' | 'visitorRequestsPerHour'> {
  /** The name of the organization. */
  readonly organization: string;
  readonly organizationId: string;
  /** Null: an Organization states it. */
  readonly keyId: string | null;
  readonly hint: string | null;
  readonly expiresAt: Date | null;
  readonly formerUntil: Date | null;
}

/** Lists the keys that are not revoked of all organizations, or of the one with this name. @param db the owner's connection */
export async function listAllAccessKeys(db: Queryable, organization: string | undefined): Promise<ListedAccessKey[]> {
  const { rows } = await db.query<ListedAccessKey>(
    `select o.name as organization, o.organization_id as "organizationId", k.key_id as "keyId", k.name, k.type, k.roles,
       k.origins, k.requests_per_hour as "requestsPerHour", k.visitor_requests_per_hour as "visitorRequestsPerHour",
       k.hint, k.expires_at as "expiresAt", k.former_until as "formerUntil"
     from chaperone.organizations o
       cross join lateral (
         select key_id, name, type, roles, origins, requests_per_hour, visitor_requests_per_hour, hint, expires_at,
           former_until
         from chaperone.access_keys where organization_id = o.organization_id and revoked_at is null
         union all
         select null, s.name, lower(s.type), coalesce(s.roles, '{}'), s."allowedOrigins", s."requestsPerHour",
           s."visitorRequestsPerHour", null, s."expiresAt", null
         from jsonb_to_recordset(coalesce(o.spec -> 'apiKeys', '[]')) as s (
           name text, type text, roles text[], "allowedOrigins" text[], "requestsPerHour" integer,
           "visitorRequestsPerHour" integer, "expiresAt" timestamptz)
       ) k
     where o.deleted_at is null and ($1::text is null or o.name = $1::text)
     order by o.name, k.name`,
    [organization ?? null],
  );
  return rows;
}
