import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';

/** Any number, as long as no one else uses it: two operators that start at once migrate one after the other. */
const advisoryLock = 0x6368_6170;

/**
 * Brings the database to the newest schema, each numbered file of `directory` in its own transaction.
 * Safe to call at every start and from several processes at once.
 *
 * @param connectionString the owner's, who will own the schema `chaperone`
 * @returns the numbers of the migrations that were applied
 */
export async function migrate(
  connectionString: string,
  directory: string = join(import.meta.dirname, 'migrations'),
): Promise<number[]> {
  const client = new Client({ connectionString, application_name: 'chaperone-migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [advisoryLock]);
    await client.query('set client_min_messages = warning');
    await client.query('create schema if not exists chaperone');
    await client.query(`create table if not exists chaperone.migrations (
      version integer primary key, applied_at timestamptz not null default now())`);
    await client.query('alter table chaperone.migrations enable row level security');
    await client.query(refuseTemporaryTables);
    const { rows } = await client.query<{ version: number }>('select version from chaperone.migrations');
    const applied = new Set(rows.map((row) => row.version));
    const pending = (await listMigrations(directory)).filter(({ version }) => !applied.has(version));
    for (const { version, file } of pending) await apply(client, version, await readFile(file, 'utf8'));
    return pending.map(({ version }) => version);
  } finally {
    await client.end();
  }
}

/**
 * Nothing of ours needs temporary tables, and a tenant could use them to shadow names. The privilege is the database's,
 * so a restored or cloned one has it again: this is no migration.
 */
const refuseTemporaryTables = `
  do $$ begin
    execute format('revoke temporary on database %I from public', current_database());
  end $$`;

async function listMigrations(directory: string): Promise<{ version: number; file: string }[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{6}\.sql$/.test(name)).sort();
  return names.map((name) => ({ version: Number(name.slice(0, 6)), file: join(directory, name) }));
}

async function apply(client: Client, version: number, sql: string): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query('insert into chaperone.migrations (version) values ($1::integer)', [version]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw new Error(`Migration ${String(version).padStart(6, '0')} failed`, { cause });
  }
}
