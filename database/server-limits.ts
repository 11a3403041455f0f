import type { Queryable } from './queryable.ts';

/** What a server keeps for those who run it, whatever organizations take. */
export interface ServerLimits {
  readonly maxConnections: number;
  /** Connections that the owner gets when all others are taken. */
  readonly reservedConnections: number;
  /** Whether a statement that sorts or joins too much ends before it fills the disk. */
  readonly limitsTempFiles: boolean;
}

/** @param db the owner's */
export async function readServerLimits(db: Queryable): Promise<ServerLimits> {
  // `reserved_connections` and its role are there since PostgreSQL 16; superusers have their own besides.
  const { rows } = await db.query<ServerLimits>(
    `select current_setting('max_connections')::integer as "maxConnections",
       case when exists (select from pg_roles where rolname = 'pg_use_reserved_connections' and pg_has_role(oid, 'usage'))
         then coalesce(current_setting('reserved_connections', true)::integer, 0) else 0 end
       + case when (select rolsuper from pg_roles where rolname = current_user)
         then current_setting('superuser_reserved_connections')::integer else 0 end as "reservedConnections",
       current_setting('temp_file_limit') <> '-1' as "limitsTempFiles"`,
  );
  const [limits] = rows;
  if (!limits) throw new Error('The server says nothing of its settings');
  return limits;
}
