import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, type ClientConfig, Pool } from 'pg';
import type { Logger } from 'pino';
import { connectTimeoutMs, queryTimeoutMs } from '../database/client.ts';

/** The workers' login, as the operator last handed it out. */
export interface Login {
  /** For each new connection, since passwords rotate. */
  databaseUrl(): string;
  stop(): void;
}

export interface LoginOptions {
  /** What the worker starts with. */
  readonly databaseUrl: string;
  /** The operator hands the login out here, in the file `database-url`. */
  readonly credentialsDirectory: string;
  readonly log: Logger;
  /** How often the file is read. Absent: 2 s. */
  readonly periodMs?: number;
}

/** Follows the login. Connections that are open stay: PostgreSQL asks for the password once. */
export function followLogin({ databaseUrl, credentialsDirectory, log, periodMs = 2_000 }: LoginOptions): Login {
  const file = join(credentialsDirectory, 'database-url');
  let current = databaseUrl;
  let read = databaseUrl;
  // It polls, since a mounted Secret changes by a swap of links, which file watchers report unreliably.
  const timer = setInterval(async () => {
    const text = (await readFile(file, 'utf8').catch(() => '')).trim();
    if (text === '' || text === read) return;
    read = text;
    if (!URL.canParse(text)) {
      log.error({ file }, 'the login of workers is no URL; the former one is used');
      return;
    }
    current = text;
    log.info('uses a new login for its connections to the database');
  }, periodMs);
  timer.unref();
  return { databaseUrl: () => current, stop: () => clearInterval(timer) };
}

/** Opens the worker's connections, each with the login of its time. */
export function openPool({ databaseUrl }: Pick<Login, 'databaseUrl'>, log: Logger): Pool {
  class CurrentClient extends Client {
    constructor(config?: ClientConfig) {
      super({ ...config, connectionString: databaseUrl() });
    }
  }
  const pool = new Pool({
    Client: CurrentClient,
    application_name: 'chaperone-worker',
    max: 6,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
  });
  pool.on('error', (error) => log.warn({ err: error }, 'lost the database'));
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
