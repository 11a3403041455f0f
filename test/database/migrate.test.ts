import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { dumpSchema } from '../../database/dump-schema.ts';
import { migrate } from '../../database/migrate.ts';
import { isOutage } from '../../database/outage.ts';
import { restorePrivileges } from '../../database/privileges.ts';
import { makeTestDatabase } from '../database.ts';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';
import { connect, makeTenant, openDatabase } from './tenant.ts';

/** An empty database. */
async function makeEmptyDatabase(t: TestContext): Promise<{ url: string; client: Client }> {
  const { url, close } = await makeTestDatabase();
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('drop schema chaperone cascade');
  atEnd(t, async () => {
    await client.end();
    await close();
  });
  return { url, client };
}

async function makeMigrations(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `chaperone-migrations-${randomBytes(3).toString('hex')}`));
  atEnd(t, () => rm(directory, { recursive: true }));
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

test('several processes at once migrate once', async (t) => {
  const { url } = await makeEmptyDatabase(t);
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
  assert.deepEqual(
    applied.flat().sort((a, b) => a - b),
    versions,
  );
});

test('numbered files are applied in order, and others are ignored', async (t) => {
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

test('a failed migration is undone, and those before it stay', async (t) => {
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

test('a process that waits for another’s migration continues where that one fails', async (t) => {
  const { url, client } = await makeEmptyDatabase(t);
  const slow = await makeMigrations(t, {
    '000001.sql': 'create table chaperone.first (); select pg_sleep(60)',
  });
  const other = await makeMigrations(t, { '000001.sql': 'create table chaperone.second ()' });
  const cut = assert.rejects(migrate(url, slow), (error) => isOutage(error));
  const backendsAt = async (wait: 'Lock' | 'Timeout') => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and application_name = 'chaperone-migrate' and wait_event_type = $1::text`,
      [wait],
    );
    return rows.map(({ pid }) => pid);
  };
  await until(async () => (await backendsAt('Timeout')).length === 1);
  const [sleeping] = await backendsAt('Timeout');
  const applied = migrate(url, other);
  await until(async () => (await backendsAt('Lock')).length === 1);
  await client.query('select pg_terminate_backend($1::integer)', [sleeping]);
  await cut;
  assert.deepEqual(await applied, [1]);
});

test('a tenant cannot block a migration by an advisory lock', async (t) => {
  const database = await openDatabase(t);
  const tenant = await connect(t, (await makeTenant(database)).url);
  // The lock that migrations once took, and whatever else.
  for (const key of [0x6368_6170, 0x6368_6772, 0, 1]) await tenant.query('select pg_advisory_lock($1)', [key]);
  const directory = await makeMigrations(t, { '900001.sql': 'create table chaperone.later ()' });
  assert.deepEqual(await migrate(database.url, directory), [900001]);
  await restorePrivileges(database.owner);
});

test('every privilege of tenants is restored', async (t) => {
  const { owner } = await openDatabase(t);
  const privileges = async () => {
    const { rows } = await owner.query<{ privilege: string }>(
      `select of || ' ' || privilege as privilege
       from (
         select relname as of, unnest(relacl)::text as privilege from pg_class
         where relnamespace = 'chaperone'::regnamespace
         union all
         select attrelid::regclass || '.' || attname, unnest(attacl)::text
         from pg_attribute join pg_class on pg_class.oid = attrelid and relnamespace = 'chaperone'::regnamespace
         union all
         select proname, unnest(proacl)::text from pg_proc where pronamespace = 'chaperone'::regnamespace
       ) granted
       where privilege like 'chaperone_tenant=%'
       order by 1`,
    );
    return rows.map(({ privilege }) => privilege);
  };
  const right = await privileges();
  assert.ok(right.length > 20);
  await owner.query(`revoke all on all tables in schema chaperone from chaperone_tenant;
    revoke all on all functions in schema chaperone from chaperone_tenant`);
  assert.deepEqual(await privileges(), []);
  await restorePrivileges(owner);
  assert.deepEqual(await privileges(), right);
});

test('privileges on a function that a later migration drops are not restored', async (t) => {
  const database = await openDatabase(t);
  const directory = await makeMigrations(t, {
    '900001.sql': `create function chaperone.gone(integer) returns integer language sql as 'select 1';
grant execute on function chaperone.gone(integer) to chaperone_tenant;
create function chaperone.kept(integer) returns integer language sql as 'select 1';
revoke all on function chaperone.kept(integer) from public;`,
    '900002.sql': 'drop function chaperone.gone(integer);',
  });
  assert.deepEqual(await migrate(database.url, directory), [900001, 900002]);
  await database.owner.query('grant execute on function chaperone.kept(integer) to public');
  await restorePrivileges(database.owner, directory);
  const { rows } = await database.owner.query(
    `select has_function_privilege('chaperone_tenant', 'chaperone.kept(integer)', 'execute') as "mayCall"`,
  );
  assert.deepEqual(rows, [{ mayCall: false }]);
});

test('a migration that finds a table in use yields to others, and is tried again', async (t) => {
  const database = await openDatabase(t);
  const tenant = await connect(t, (await makeTenant(database)).url);
  await tenant.query('begin');
  await tenant.query('select from chaperone.personas');
  const directory = await makeMigrations(t, {
    '900001.sql': `set local lock_timeout = 10; alter table chaperone.personas add column later text`,
  });
  await assert.rejects(migrate(database.url, directory), (error) => isOutage(error));
  await tenant.query('rollback');
  assert.deepEqual(await migrate(database.url, directory), [900001]);
});

test('a database that cannot be reached is an error', async () => {
  await assert.rejects(() => migrate('postgres://nobody@127.0.0.1:1/none'), /ECONNREFUSED/);
});

test('a database that accepts connections but does not answer counts as away', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  atEnd(t, () => silent.close());
  const { port } = silent.address() as AddressInfo;
  await assert.rejects(migrate(`postgres://nobody@127.0.0.1:${port}/none`), (error) => isOutage(error));
});
