import { Client } from 'pg';
import type { Queryable } from './queryable.ts';

/** A server that accepts a connection but never answers counts as unreachable, too. */
export const connectTimeoutMs = 5_000;

/**
 * How long a proxy waits for a statement. The server ends the statement sooner
 * (`chaperone.organization_role_settings`): a statement that only the client gave up on would keep running while the
 * client opens another connection.
 */
export const queryTimeoutMs = 15_000;

/** The `application_name` of the connection on which a proxy follows the configuration. */
export const followerName = 'chaperone-proxy-config';

export interface ClientOptions {
  readonly databaseUrl: string;
  /** The connection's `application_name`. */
  readonly name: string;
  /** How long to wait for a statement, instead of `queryTimeoutMs`. */
  readonly queryTimeoutMs?: number | undefined;
  /** Called with the error that ends the connection. Where no query runs then, no promise rejects with it. */
  readonly onError: (error: Error) => void;
}

/** Makes a client that notices when its server falls silent. The caller connects it. */
export function makeClient({ databaseUrl, name, onError, ...options }: ClientOptions): Client {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: name,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: options.queryTimeoutMs ?? queryTimeoutMs,
    keepAlive: true,
  });
  client.on('error', onError);
  return client;
}

/** Connections to a pooler, which may run each statement in another session of the server. */
const pooled = new WeakSet<Queryable>();

/**
 * Connects a client, and finds out whether it speaks to a pooler, which tells each of its clients another number than that
 * of the session which serves it at present.
 *
 * @throws where the database cannot be reached, or refuses the login
 */
export async function connectClient(client: Client): Promise<void> {
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const told = 'processID' in client ? client.processID : undefined;
  if (rows[0]?.pid !== told) pooled.add(client);
}

/**
 * The name under which a connection prepares a statement once. Undefined behind a pooler: it may have been prepared in
 * another session, or another client may have prepared it in this one.
 */
export function statementName(db: Queryable, name: string): string | undefined {
  return pooled.has(db) ? undefined : name;
}
