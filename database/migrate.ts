import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, DatabaseError, Pool } from 'pg';
import { connectTimeoutMs } from './client.ts';
import { jobsSchema } from './jobs.ts';

/**
 * While a migration waits for a lock, every later statement on that table waits behind it. So it gives up soon and
 * tries again.
 */
const lockTimeoutMs = 5_000;

/**
 * Brings the database to the newest schema: it applies each numbered file of `directory` in its own transaction. It is
 * safe at every start and from several processes at once. The processes wait for each other by a lock on the table of
 * migrations, which no tenant can lock. An advisory lock would not do: a tenant could take it and block everybody.
 *
 * @param connectionString the owner's, who will own the schema `chaperone`
 * @returns the numbers of the migrations that were applied
 * @throws where a migration fails, with the cause; an outage (`isOutage`) where another session kept a table locked
 */
export async function migrate(
  connectionString: string,
  directory: string = join(import.meta.dirname, 'migrations'),
): Promise<number[]> {
  const client = new Client({
    connectionString,
    application_name: 'chaperone-migrate',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  });
  // A lost connection fails the running query as well.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('set client_min_messages = warning');
    await client.query(prepareSchema).catch((error: unknown) => {
      if (!wasCreatedConcurrently(error)) throw error;
      return client.query(prepareSchema);
    });
    await migrateJobs(connectionString);
    const applied: number[] = [];
    for (const { version, file } of await listPending(client, directory)) {
      if (await apply(client, version, await readFile(file, 'utf8'))) applied.push(version);
    }
    return applied;
  } finally {
    await client.end();
  }
}

/**
 * We need no temporary tables, and a tenant could use them to shadow names. The privilege belongs to the database, so a
 * restored or cloned database has it again; that is why this is not a migration. All of it is one message, and so one
 * transaction.
 */
const prepareSchema = `
  create schema if not exists chaperone;
  create table if not exists chaperone.migrations (
    version integer primary key, applied_at timestamptz not null default now());
  alter table chaperone.migrations enable row level security;
  do $$ begin
    execute format('revoke temporary on database %I from public', current_database());
  end $$`;

/** Makes or updates the schema of graphile-worker, on which the migrations depend. */
async function migrateJobs(connectionString: string): Promise<void> {
  const { Logger, runMigrations } = await import('graphile-worker');
  const pgPool = new Pool({ connectionString, max: 1, connectionTimeoutMillis: connectTimeoutMs });
  // A lost connection fails the running query as well.
  pgPool.on('error', () => {});
  pgPool.on('connect', (client) => client.on('error', () => {}));
  try {
    await runMigrations({ pgPool, schema: jobsSchema, logger: new Logger(() => () => {}) });
  } finally {
    await pgPool.end();
  }
}

/** Another process created the same object at the same time: `if not exists` does not see uncommitted objects. */
function wasCreatedConcurrently(error: unknown): boolean {
  return error instanceof DatabaseError && ['23505', '42P06', '42P07'].includes(error.code ?? '');
}

async function listPending(client: Client, directory: string): Promise<{ version: number; file: string }[]> {
  const { rows } = await client.query<{ version: number }>('select version from chaperone.migrations');
  const applied = new Set(rows.map(({ version }) => version));
  const names = (await readdir(directory)).filter((name) => /^\d{6}\.sql$/.test(name)).sort();
  return names
    .map((name) => ({ version: Number(name.slice(0, 6)), file: join(directory, name) }))
    .filter(({ version }) => !applied.has(version));
}

/** @returns false where another process has already applied it */
async function apply(client: Client, version: number, sql: string): Promise<boolean> {
  await client.query('begin');
  try {
    const { rowCount } = await client.query(
      'insert into chaperone.migrations (version) values ($1::integer) on conflict do nothing',
      [version],
    );
    if (rowCount === 1) {
      await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
      await client.query(sql);
    }
    await client.query('commit');
    return rowCount === 1;
  } catch (cause) {
    await client.query('rollback').catch(() => {});
    throw new Error(`Migration ${String(version).padStart(6, '0')} failed`, { cause });
  }
}
