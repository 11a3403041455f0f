import type { Queryable } from '../../database/queryable.ts';

/**
 * Tables with one row for each organization, or with none of theirs: small enough that every server of a distributed
 * PostgreSQL has all of them (Citus' reference tables).
 */
export const referenceTables = ['migrations', 'organization_roles', 'organizations', 'resource_requests', 'workers'];

/**
 * What would keep the other tables from being spread over servers by `organization_id`. A server sees its own rows only, so
 * it can keep a key unique, or a reference whole, only where they have that column.
 */
export async function findDistributionGaps(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ gap: string }>(
    `with distributed as (${distributed}) ${[columnGaps, indexGaps, referenceGaps].join('\nunion all\n')}`,
    [referenceTables],
  );
  return rows.map(({ gap }) => gap).sort();
}

const distributed = `
  select c.oid, c.relname,
    (select a.attnum from pg_attribute a
     where a.attrelid = c.oid and a.attname = 'organization_id' and a.attnotnull and a.atttypid = 'uuid'::regtype) as key
  from pg_class c
  where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and c.relname <> all ($1)`;

const columnGaps = `
  select format('%s has no organization_id', relname) as gap from distributed where key is null`;

/** Unique indexes, with those of primary keys, and exclusion constraints. */
const indexGaps = `
  select format('%s holds for all organizations together', (select relname from pg_class where oid = i.indexrelid))
  from distributed d join pg_index i on i.indrelid = d.oid
  where (i.indisunique or i.indisexclusion)
    and not exists (
      select from generate_series(0, i.indnkeyatts - 1) n
        left join pg_constraint x on x.conindid = i.indexrelid and x.contype = 'x'
      where i.indkey[n] = d.key
        and (x.oid is null or (select oprname from pg_operator where oid = x.conexclop[n + 1]) = '='))`;

/** A reference between tables must stay on one server; one to a table that every server has may have any columns. */
const referenceGaps = `
  select format('%s refers to another organization''s server', r.conname)
  from pg_constraint r join distributed target on target.oid = r.confrelid
    left join distributed source on source.oid = r.conrelid
  where r.contype = 'f'
    and not exists (
      select from unnest(r.conkey, r.confkey) as pair (here, there)
      where pair.here = source.key and pair.there = target.key)`;
