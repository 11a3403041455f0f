import type { Queryable } from './queryable.ts';

/** The server's settings that keep organizations from using up its resources. */
export interface ServerLimits {
  readonly maxConnections: number;
  /** Connections that are reserved for the owner. */
  readonly reservedConnections: number;
  /** Whether `temp_file_limit` ends a statement before its temporary files fill the disk. */
  readonly limitsTempFiles: boolean;
}

/** @param db the owner's */
export async function readServerLimits(db: Queryable): Promise<ServerLimits> {
  // `reserved_connections` and its role exist since PostgreSQL 16. Superusers have their own setting.
  const { rows } = await db.query<ServerLimits>(
    `select current_setting('max_connections')::integer as "maxConnections",
       case when exists (select from pg_roles where rolname = 'pg_use_reserved_connections' and pg_has_role(oid, 'usage'))
         then coalesce(current_setting('reserved_connections', true)::integer, 0) else 0 end
       + case when (select rolsuper from pg_roles where rolname = current_user)
         then current_setting('superuser_reserved_connections')::integer else 0 end as "reservedConnections",
       current_setting('temp_file_limit') <> '-1' as "limitsTempFiles"`,
  );
  const [limits] = rows;
  if (!limits) throw new Error('The server did not return its settings');
  return limits;
}
