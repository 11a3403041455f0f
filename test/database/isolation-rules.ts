import type { Queryable } from '../../database/queryable.ts';

/**
 * What in the catalog would let one organization's role reach another's rows: each gap names its object. A table that a
 * later migration adds is judged without a line here.
 */
export async function findIsolationGaps(db: Queryable): Promise<string[]> {
  // Expressions are written out with the names that this search path cannot see qualified.
  await db.query("set search_path = ''");
  const { rows } = await db.query<{ gap: string }>(
    [tableGaps, grantGaps, policyGaps, functionGaps, roleGaps, placeGaps].join('\nunion all\n'),
  );
  return rows.map(({ gap }) => gap).sort();
}

const tableGaps = `
  select format('%s has no row-level security', relname) as gap
  from pg_catalog.pg_class
  where relnamespace = 'chaperone'::regnamespace and relkind in ('r', 'p') and not relrowsecurity`;

/** Grants on whole relations and on single columns, to anyone but the owner. */
const grants = `
  select c.oid, c.relname, c.relkind, c.relispartition, a.grantee, a.privilege_type
  from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
  where c.relnamespace = 'chaperone'::regnamespace and a.grantee <> c.relowner
  union all
  select c.oid, c.relname, c.relkind, c.relispartition, a.grantee, a.privilege_type
  from pg_catalog.pg_class c
    join pg_catalog.pg_attribute t on t.attrelid = c.oid, pg_catalog.aclexplode(t.attacl) a
  where c.relnamespace = 'chaperone'::regnamespace and a.grantee <> c.relowner`;

const grantGaps = `
  select distinct case
      when grantee <> 'chaperone_tenant'::regrole then format('%s is granted to %s', relname, grantee::regrole)
      when relkind not in ('r', 'p') then format('%s is no table and is granted to tenants', relname)
      when relispartition then format('%s is a partition and is granted to tenants', relname)
      when privilege_type not in ('SELECT', 'INSERT', 'UPDATE') then format('%s grants tenants %s', relname, privilege_type)
      else format('%s is granted to tenants and has no policy', relname)
    end
  from (${grants}) granted
  where grantee <> 'chaperone_tenant'::regrole or relkind not in ('r', 'p') or relispartition
    or privilege_type not in ('SELECT', 'INSERT', 'UPDATE')
    or not exists (select from pg_catalog.pg_policy where polrelid = granted.oid)`;

/** Policies add up, so each one must be the one; where it has no check of its own, what it shows is what it takes. */
const policyGaps = `
  select format('%s has the policy %s, which is not that of the current organization', polrelid::regclass, polname)
  from pg_catalog.pg_policy
    join pg_catalog.pg_class c on c.oid = polrelid
  where c.relnamespace = 'chaperone'::regnamespace
    -- One that restricts only takes away from what the others give.
    and polpermissive
    and array[pg_get_expr(polqual, polrelid), coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid))]
      is distinct from array_fill(
        '(organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id))'::text, array[2])`;

const functionGaps = `
  select format('%s %s', p.oid::regprocedure, gap)
  from pg_catalog.pg_proc p, lateral (
    select 'may be called by everyone' as gap
    where p.proacl is null or exists (select from pg_catalog.aclexplode(p.proacl) where grantee = 0)
    union all
    select 'runs as its owner without a search_path of its own'
    where p.prosecdef and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
  ) found
  where p.pronamespace = 'chaperone'::regnamespace`;

const roleGaps = `
  select format('%s may do more than log in', rolname)
  from pg_catalog.pg_roles
  where (rolname = 'chaperone_tenant' or rolname in (select role_name from chaperone.organization_roles))
    and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
  union all
  select format('%s is a member of %s', member::regrole, roleid::regrole)
  from pg_catalog.pg_auth_members
  where (member = 'chaperone_tenant'::regrole
      or member in (select role_name::regrole from chaperone.organization_roles) and roleid <> 'chaperone_tenant'::regrole)`;

const placeGaps = `
  select format('tenants may create objects in the schema %s', nspname)
  from pg_catalog.pg_namespace
  where pg_catalog.has_schema_privilege('chaperone_tenant', oid, 'CREATE')
  union all
  select format('tenants have the privilege %s on the database', privilege)
  from unnest(array['CREATE', 'TEMPORARY']) privilege
  where pg_catalog.has_database_privilege('chaperone_tenant', current_database(), privilege)`;
