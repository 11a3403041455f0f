import { Client } from 'pg';

/** A server that takes a connection and says nothing on it is away, too. */
export const connectTimeoutMs = 5_000;

export interface ClientOptions {
  readonly databaseUrl: string;
  /** What PostgreSQL shows the connection as. */
  readonly name: string;
  readonly queryTimeoutMs: number;
  /** Told of what ends the connection; nobody else would hear of it. */
  readonly onError: (error: Error) => void;
}

/** Makes a client, to be connected, that notices when its server falls silent. */
export function makeClient({ databaseUrl, name, queryTimeoutMs, onError }: ClientOptions): Client {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: name,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
  });
  client.on('error', onError);
  return client;
}
