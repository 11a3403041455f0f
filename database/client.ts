import { Client } from 'pg';

/** A server that takes a connection and says nothing on it is away, too. */
export const connectTimeoutMs = 5_000;

/**
 * How long a proxy waits for a statement. The server ends it sooner (`chaperone.organization_role_settings`): what only its
 * client gives up on goes on working, while the client makes another connection.
 */
export const queryTimeoutMs = 15_000;

/** What PostgreSQL shows the connection as by which a proxy follows the configuration. */
export const followerName = 'chaperone-proxy-config';

export interface ClientOptions {
  readonly databaseUrl: string;
  /** What PostgreSQL shows the connection as. */
  readonly name: string;
  /** How long to wait for a statement where it is not `queryTimeoutMs`. */
  readonly queryTimeoutMs?: number | undefined;
  /** Told of what ends the connection; nobody else would hear of it. */
  readonly onError: (error: Error) => void;
}

/** Makes a client, to be connected, that notices when its server falls silent. */
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
