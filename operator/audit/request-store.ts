import { Pool } from 'pg';
import type { Logger } from 'pino';
import { insertResourceRequest, type ResourceRequest } from '../../database/audit/requests.ts';

export interface RequestStore {
  /** Rejects within some seconds where the database does not answer: somebody waits for the API server. */
  keep(request: ResourceRequest): Promise<void>;
  close(): Promise<void>;
}

/** Less than the webhook's `timeoutSeconds`, of which both may be used. */
const patienceMs = 1_000;

/** Opens the connection by which each replica keeps who asks for changes. While nobody does, there is none. */
export function openRequestStore(databaseUrl: string, log: Logger): RequestStore {
  const db = new Pool({
    connectionString: databaseUrl,
    application_name: 'chaperone-requests',
    max: 2,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
    statement_timeout: patienceMs,
  });
  db.on('error', (error) => log.warn({ err: error }, 'lost the database'));
  return { keep: (request) => insertResourceRequest(db, request), close: () => db.end() };
}
