import type { Queryable } from '../database/queryable.ts';

/**
 * How many sessions wait for a lock on a table of this database. The databases of a run are copies on one server, so the
 * tables of all of them have the same ids.
 *
 * @param table in the schema `chaperone`
 */
export async function countLockWaiters(db: Queryable, table: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::integer as count from pg_locks l join pg_database d on d.oid = l.database
     where d.datname = current_database() and l.relation = $1::regclass and not l.granted`,
    [`chaperone.${table}`],
  );
  return rows[0]?.count ?? 0;
}
