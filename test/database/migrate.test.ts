import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { dumpSchema } from '../../database/dump-schema.ts';
import { migrate } from '../../database/migrate.ts';
import { makeTestDatabase } from '../database.ts';

/** An empty database. */
async function makeEmptyDatabase(t: TestContext): Promise<{ url: string; client: Client }> {
  const { url, close } = await makeTestDatabase();
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('drop schema chaperone cascade');
  t.after(async () => {
    await client.end();
    await close();
  });
  return { url, client };
}

async function makeMigrations(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `chaperone-migrations-${randomBytes(3).toString('hex')}`));
  t.after(() => rm(directory, { recursive: true }));
  for (const [name, sql] of Object.entries(files)) await writeFile(join(directory, name), sql);
  return directory;
}

const versions = globSync('*.sql', { cwd: join(import.meta.dirname, '../../database/migrations') })
  .map((name) => Number(name.slice(0, 6)))
  .sort((a, b) => a - b);

test('a second migration finds nothing to do and changes nothing', async (t) => {
  const { url, client } = await makeEmptyDatabase(t);
  assert.deepEqual(await migrate(url), versions);
  const schema = await dumpSchema(client);
  assert.deepEqual(await migrate(url), []);
  assert.equal(await dumpSchema(client), schema);
});

test('several at once migrate once', async (t) => {
  const { url } = await makeEmptyDatabase(t);
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
  assert.deepEqual(applied.flat(), versions);
});

test('files are applied in the order of their numbers, and others are not', async (t) => {
  const { url, client } = await makeEmptyDatabase(t);
  const directory = await makeMigrations(t, {
    '000002.sql': 'insert into chaperone.t values (2)',
    '000001.sql': 'create table chaperone.t (n int); insert into chaperone.t values (1)',
    '000003.sql~': 'drop table chaperone.t',
    'notes.txt': 'nothing',
  });
  assert.deepEqual(await migrate(url, directory), [1, 2]);
  await writeFile(join(directory, '000010.sql'), 'insert into chaperone.t values (10)');
  assert.deepEqual(await migrate(url, directory), [10]);
  const { rows } = await client.query<{ n: number }>('select n from chaperone.t');
  assert.deepEqual(
    rows.map(({ n }) => n),
    [1, 2, 10],
  );
});

test('a migration that fails leaves nothing of itself, and those before it stay', async (t) => {
  const { url, client } = await makeEmptyDatabase(t);
  const directory = await makeMigrations(t, {
    '000001.sql': 'create table chaperone.first ()',
    '000002.sql': 'create table chaperone.second (); select 1 / 0; create table chaperone.third ()',
    '000003.sql': 'create table chaperone.fourth ()',
  });
  await assert.rejects(
    () => migrate(url, directory),
    (error: Error) => error.message === 'Migration 000002 failed' && /division by zero/.test(String(error.cause)),
  );
  const tables = async () => {
    const { rows } = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'chaperone' and tablename <> 'migrations' order by 1`,
    );
    return rows.map(({ name }) => name);
  };
  assert.deepEqual(await tables(), ['first']);
  await writeFile(join(directory, '000002.sql'), 'create table chaperone.second ()');
  assert.deepEqual(await migrate(url, directory), [2, 3]);
  assert.deepEqual(await tables(), ['first', 'fourth', 'second']);
});

test('a database that cannot be reached is an error', async () => {
  await assert.rejects(() => migrate('postgres://nobody@127.0.0.1:1/none'), /ECONNREFUSED/);
});
