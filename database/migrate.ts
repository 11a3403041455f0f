import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, DatabaseError } from 'pg';
import { connectTimeoutMs } from './client.ts';

/** A lock that a migration waits for stops everybody who comes after it, so it gives up soon and is tried again. */
const lockTimeoutMs = 5_000;

/**
 * Brings the database to the newest schema, each numbered file of `directory` in its own transaction.
 * Safe to call at every start and from several processes at once. They wait for one another at the table of migrations, of
 * which a tenant has nothing; an advisory lock it could take, and hold them all up.
 *
 * @param connectionString the owner's, who will own the schema `chaperone`
 * @returns the numbers of the migrations that were applied
 * @throws where a migration fails, with the cause; an outage (`isOutage`) where another session kept a table to itself
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
  // A connection that is lost fails the query at hand, too.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('set client_min_messages = warning');
    await client.query(prepareSchema).catch((error: unknown) => {
      if (!isMadeMeanwhile(error)) throw error;
      return client.query(prepareSchema);
    });
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
 * Nothing of ours needs temporary tables, and a tenant could use them to shadow names. The privilege is the database's,
 * so a restored or cloned one has it again: this is no migration. One message, and so one transaction.
 */
const prepareSchema = `
  create schema if not exists chaperone;
  create table if not exists chaperone.migrations (
    version integer primary key, applied_at timestamptz not null default now());
  alter table chaperone.migrations enable row level security;
  do $$ begin
    execute format('revoke temporary on database %I from public', current_database());
  end $$`;

/** Another process made the same at the same time: `if not exists` does not see what is not committed. */
function isMadeMeanwhile(error: unknown): boolean {
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

/** @returns false where another process has applied it meanwhile */
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
