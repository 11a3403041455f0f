import type { Queryable } from './queryable.ts';

/**
 * Writes the schema `chaperone` as SQL text, from the catalogs: the result of all migrations, to read and to compare.
 * Partitions that were made at run time are left out. Everything is sorted by name; columns keep their own order.
 */
export async function dumpSchema(db: Queryable): Promise<string> {
  // With an empty search path, the catalogs qualify every name of ours.
  await db.query("set search_path = ''; set timezone = 'UTC'");
  const parts = [
    '-- Generated from database/migrations by `npm run generate`: add a migration instead of editing this.',
    ...(await readStatements(db, schemaGrants)),
    ...(await readStatements(db, types)),
    // Policies need functions, and functions need tables.
    'set check_function_bodies = off;',
    ...(await readStatements(db, functions)),
    ...(await readTables(db)),
    // A table may refer to a later one.
    ...(await readStatements(db, foreignKeys)),
    ...(await readStatements(db, triggers)),
  ];
  return `${parts.join('\n\n')}\n`;
}

export interface FunctionDefinition {
  readonly name: string;
  readonly signature: string;
  /** The arguments and the result, which `create or replace` cannot change. */
  readonly declaration: string;
  /** Makes the function, with its privileges. */
  readonly statement: string;
}

/** The functions of the schema, by name. Needs an empty search path. */
export async function readFunctions(db: Queryable): Promise<FunctionDefinition[]> {
  const { rows } = await db.query<FunctionDefinition>(functions);
  return rows;
}

async function readStatements(db: Queryable, sql: string): Promise<string[]> {
  const { rows } = await db.query<{ statement: string }>(sql);
  return rows.map(({ statement }) => statement);
}

/** Each table with its constraints, indexes, policies and grants, as one paragraph. */
async function readTables(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ statement: string; parts: string[] }>(
    `select statement, array(select part from (${tableParts}) p where p.oid = t.oid order by rank, part collate "C") as parts
     from (${tables}) t
     order by name`,
  );
  return rows.map(({ statement, parts }) => [statement, ...parts].join('\n'));
}

/** Partitions by time are made at run time. The schema's own partitions are the default ones and those by list. */
const ownTables = `
  select c.oid, c.relname as name, c.relkind, c.relispartition, c.relrowsecurity, c.relforcerowsecurity, c.relacl, c.relowner,
    c.reloptions
  from pg_catalog.pg_class c
  where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p')
    and (not c.relispartition or pg_catalog.pg_get_expr(c.relpartbound, c.oid) ~ '^(DEFAULT|FOR VALUES IN)')`;

const columns = `
  select string_agg(
    format('  %I %s%s%s%s', attname, pg_catalog.format_type(atttypid, atttypmod),
      case when attstorage = 'e' then ' storage external' else '' end,
      case when attnotnull then ' not null' else '' end,
      ' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid)), E',\\n' order by attnum)
  from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = c.oid and attnum > 0 and not attisdropped`;

const types = `
  select format(E'create type %s as (\\n%s\\n);', c.reltype::regtype, (${columns})) as statement
  from pg_catalog.pg_class c
  where c.relnamespace = 'chaperone'::regnamespace and c.relkind = 'c'
  order by c.relname`;

const storage = `select ' with (' || array_to_string(c.reloptions, ', ') || ')'`;

const tables = `
  select c.oid, c.name, case
      when relispartition then format('create table %s partition of %s %s%s;', c.oid::regclass,
        (select inhparent::regclass from pg_catalog.pg_inherits where inhrelid = c.oid),
        (select lower(pg_catalog.pg_get_expr(relpartbound, oid)) from pg_catalog.pg_class where oid = c.oid),
        (${storage}))
      else format(E'create table %s (\\n%s\\n)%s%s;', c.oid::regclass, (${columns}),
        ' partition by ' || lower(pg_catalog.pg_get_partkeydef(c.oid)), (${storage}))
    end as statement
  from (${ownTables}) c`;

/** A partition has the constraints and indexes of its table, so they are left out. */
const tableParts = `
  select conrelid as oid, 1 as rank,
    format('alter table %s add constraint %I %s;', conrelid::regclass, conname, pg_catalog.pg_get_constraintdef(oid)) as part
  from pg_catalog.pg_constraint
  where contype not in ('n', 'f') and coninhcount = 0
  union all
  select indrelid, 2, replace(pg_catalog.pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') || ';'
  from pg_catalog.pg_index
  where not exists (select from pg_catalog.pg_constraint where conindid = indexrelid)
    and not exists (select from pg_catalog.pg_inherits where inhrelid = indexrelid)
  union all
  select oid, 3, format('alter table %s enable row level security;', oid::regclass)
  from pg_catalog.pg_class
  where relrowsecurity
  union all
  select oid, 3, format('alter table %s force row level security;', oid::regclass)
  from pg_catalog.pg_class
  where relforcerowsecurity
  union all
  select polrelid, 4, format(E'create policy %I on %s as %s for %s to %s%s%s;', polname, polrelid::regclass,
      case when polpermissive then 'permissive' else 'restrictive' end,
      case polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
      (select string_agg(case role when 0 then 'public' else role::regrole::text end, ', ') from unnest(polroles) role),
      E'\\n  using (' || pg_catalog.pg_get_expr(polqual, polrelid) || ')',
      E'\\n  with check (' || pg_catalog.pg_get_expr(polwithcheck, polrelid) || ')')
  from pg_catalog.pg_policy
  union all
  select c.oid, 5, format('grant %s on %s to %s;', string_agg(lower(privilege_type), ', ' order by privilege_type),
      c.oid::regclass, case grantee when 0 then 'public' else grantee::regrole::text end)
  from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl)
  where grantee <> c.relowner
  group by c.oid, grantee
  union all
  select c.oid, 5, format('grant %s (%s) on %s to %s;', lower(privilege_type),
      string_agg(quote_ident(attname), ', ' order by attnum), c.oid::regclass,
      case grantee when 0 then 'public' else grantee::regrole::text end)
  from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid, pg_catalog.aclexplode(a.attacl)
  where grantee <> c.relowner
  group by c.oid, grantee, privilege_type`;

const schemaGrants = `
  select 'create schema chaperone;' || coalesce(string_agg(format(E'\\ngrant %s on schema chaperone to %s;',
    lower(privilege_type), case grantee when 0 then 'public' else grantee::regrole::text end), ''
    order by grantee::regrole::text, privilege_type), '') as statement
  from pg_catalog.pg_namespace, pg_catalog.aclexplode(nspacl)
  where nspname = 'chaperone' and grantee <> nspowner`;

const functions = `
  select p.proname as name, p.oid::regprocedure::text as signature,
    format('(%s) returns %s', pg_catalog.pg_get_function_arguments(p.oid), pg_catalog.pg_get_function_result(p.oid)) as declaration,
    rtrim(pg_catalog.pg_get_functiondef(p.oid), E'\\n') || ';' || case
      when p.proacl is null then ''
      else format(E'\\nrevoke all on function %s from public;', p.oid::regprocedure)
    end || coalesce((
      select string_agg(format(E'\\ngrant execute on function %s to %s;', p.oid::regprocedure,
        case grantee when 0 then 'public' else grantee::regrole::text end), '' order by grantee::regrole::text)
      from pg_catalog.aclexplode(p.proacl) where grantee <> p.proowner), '') as statement
  from pg_catalog.pg_proc p
  where p.pronamespace = 'chaperone'::regnamespace
  order by p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)`;

const foreignKeys = `
  select format('alter table %s add constraint %I %s;', conrelid::regclass, conname, pg_catalog.pg_get_constraintdef(oid))
    as statement
  from pg_catalog.pg_constraint
  where contype = 'f' and coninhcount = 0 and connamespace = 'chaperone'::regnamespace
  order by conrelid::regclass::text, conname`;

const triggers = `
  select pg_catalog.pg_get_triggerdef(t.oid) || ';' as statement
  from pg_catalog.pg_trigger t join (${ownTables}) c on c.oid = t.tgrelid
  where not tgisinternal
  order by c.name, tgname`;
