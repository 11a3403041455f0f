import type { Queryable } from './queryable.ts';

/** An organization's row. */
export interface OrganizationRow {
  readonly organizationId: string;
  readonly name: string;
}

/** An organization's row with all that the operator reads of it. */
export interface StoredOrganization extends OrganizationRow {
  /** The login role. Null where no role can log in as the organization. */
  readonly role: string | null;
  /** Whether the row is older than the stricter defaults. Then the former defaults apply where the spec is silent. */
  readonly keepsOldDefaults: boolean;
  /** Digests of its data keys (data-key-digests.ts), to recognize them. */
  readonly dataKeyDigests: readonly string[];
  /** Whether objects of each member namespace serve all member namespaces, as before `spec.sharing` existed. */
  readonly sharesByDefault: boolean;
}

/** The state of an organization's login role in the database. */
export interface StoredLogin {
  /** The role's connection limit. Null: none. */
  readonly connectionLimit: number | null;
  /** How many connections it has now. */
  readonly connections: number;
  /** Whether the role has exactly the settings that the operator gave it. */
  readonly hasItsSettings: boolean;
  /** Whether the operator has ever set its limits. */
  readonly wasLimited: boolean;
  /** Whether the role has sessions from before the current password was set. */
  readonly hasOldSessions: boolean;
}

/**
 * Finds an organization by name. A deleted organization whose data is retained is found, too: when applied again, it is
 * the same organization.
 */
export async function findOrganization(
  db: Queryable,
  name: string,
): Promise<(StoredOrganization & StoredLogin) | undefined> {
  const { rows } = await db.query<StoredOrganization & StoredLogin>(
    `select o.organization_id as "organizationId", o.name, l.rolname as role,
            o.keeps_old_defaults as "keepsOldDefaults", o.shares_by_default as "sharesByDefault",
            o.data_key_digests as "dataKeyDigests",
            nullif(l.rolconnlimit, -1) as "connectionLimit",
            coalesce(s.count, 0)::integer as connections, coalesce(s.old_count, 0) > 0 as "hasOldSessions",
            coalesce(chaperone.has_organization_role_settings(l.rolname), false) as "hasItsSettings",
            r.limited_at is not null as "wasLimited"
     from chaperone.organizations o
       left join chaperone.organization_roles r using (organization_id)
       left join pg_roles l
         on l.rolname = r.role_name and l.rolcanlogin and pg_has_role(l.oid, 'chaperone_tenant', 'member')
       left join lateral (
         select count(*) as count, count(*) filter (where backend_start <= r.password_set_at) as old_count
         from pg_stat_activity where usename = l.rolname
       ) s on true
     where o.name = $1::text`,
    [name],
  );
  return rows[0];
}

/** Finds the name of an organization by id, and whether it was deleted. Undefined where there is no such row. */
export async function findOrganizationName(
  db: Queryable,
  organizationId: string,
): Promise<{ readonly name: string; readonly isDeleted: boolean } | undefined> {
  const { rows } = await db.query<{ name: string; isDeleted: boolean }>(
    `select name, deleted_at is not null as "isDeleted"
     from chaperone.organizations
     where organization_id = $1::uuid`,
    [organizationId],
  );
  return rows[0];
}

/**
 * Stores the organization. An equal row is not written, so no proxy is notified. Digests that are already stored stay.
 *
 * @param organization `sharesByDefault` is as in `StoredOrganization`; absent: false
 * @returns whether the row changed
 */
export async function upsertOrganization(
  db: Queryable,
  organization: OrganizationRow & {
    readonly spec: object;
    readonly dataKeyDigests?: readonly string[];
    readonly sharesByDefault?: boolean;
  },
): Promise<boolean> {
  // Not "on conflict do update": the before-insert trigger would notify the proxies even where no row is inserted.
  const { rows } = await db.query<{ is_changed: boolean }>(
    `with updated as (
       update chaperone.organizations
       set name = $2::text, spec = $3::jsonb, deleted_at = null, updated_at = now(),
           data_key_digests = array(select distinct unnest(data_key_digests || $4::text[]) order by 1),
           shares_by_default = $5::boolean
       where organization_id = $1::uuid
         and ((name, spec, deleted_at, shares_by_default) is distinct from ($2::text, $3::jsonb, null, $5::boolean)
              or not data_key_digests @> $4::text[])
       returning organization_id
     ), inserted as (
       insert into chaperone.organizations (organization_id, name, spec, data_key_digests, shares_by_default)
       select $1::uuid, $2::text, $3::jsonb, $4::text[], $5::boolean
       where not exists (select from chaperone.organizations where organization_id = $1::uuid)
       returning organization_id
     )
     select exists (select from updated union all select from inserted) as is_changed`,
    [
      organization.organizationId,
      organization.name,
      JSON.stringify(organization.spec),
      organization.dataKeyDigests ?? [],
      organization.sharesByDefault ?? false,
    ],
  );
  return rows[0]?.is_changed ?? false;
}

/**
 * Marks the organization as deleted and keeps its data (deletionPolicy Retain). When applied again, it gets the
 * defaults of that time.
 */
export async function retireOrganization(db: Queryable, organizationId: string): Promise<void> {
  await db.query(
    `update chaperone.organizations
     set deleted_at = now(), keeps_old_defaults = false
     where organization_id = $1::uuid and deleted_at is null`,
    [organizationId],
  );
}

/** Deletes the organization with all that belongs to it (deletionPolicy Delete). */
export async function deleteOrganization(db: Queryable, organizationId: string): Promise<void> {
  await db.query('select chaperone.delete_organization($1::uuid)', [organizationId]);
}

/** Lists all organizations by name, or the one of this name, including deleted ones whose data is retained. */
export async function listOrganizations(db: Queryable, name: string | undefined): Promise<OrganizationRow[]> {
  const { rows } = await db.query<OrganizationRow>(
    `select organization_id as "organizationId", name
     from chaperone.organizations
     where $1::text is null or name = $1::text
     order by name`,
    [name ?? null],
  );
  return rows;
}
