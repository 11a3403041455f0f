import type { Queryable } from '../../../database/queryable.ts';

/** The limits that a session of an organization's login sees. */
export interface LoginLimits {
  /** -1: no limit. */
  readonly connections: number;
  /** The settings that end long statements and transactions. `0`: they never end. */
  readonly timeouts: Readonly<Record<string, string>>;
  /** The connections that are reserved for the owner. */
  readonly reservedConnections: number;
  readonly limitsTempFiles: boolean;
}

export async function readLoginLimits(db: Queryable): Promise<LoginLimits> {
  const { rows } = await db.query<LoginLimits>(
    `select (select rolconnlimit from pg_roles where rolname = session_user) as connections,
       (select json_object_agg(name, setting) from pg_settings where name in ('statement_timeout',
         'idle_in_transaction_session_timeout', 'transaction_timeout')) as timeouts,
       coalesce(current_setting('reserved_connections', true)::integer, 0) as "reservedConnections",
       current_setting('temp_file_limit') <> '-1' as "limitsTempFiles"`,
  );
  const [limits] = rows;
  if (!limits) throw new Error('The server says nothing of its limits');
  return limits;
}

export function describeMissingLimits(limits: LoginLimits): string[] {
  const { connections, timeouts, reservedConnections, limitsTempFiles } = limits;
  const endless = Object.keys(timeouts).filter((name) => timeouts[name] === '0');
  return [
    ...(connections === -1 ? ['its login may take every connection'] : []),
    ...endless.map((name) => `${name} is off for its login`),
    ...(reservedConnections === 0 ? ['the server reserves no connections for its owner (reserved_connections)'] : []),
    ...(limitsTempFiles ? [] : ['the server does not limit temporary files (temp_file_limit)']),
  ];
}
