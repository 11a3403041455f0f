import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm, statfs, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { owner as migratedDatabase } from '../cli/embedded-postgres/data-directory.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../cli/embedded-postgres.ts';
import { migrate } from '../database/migrate.ts';
import { makePartitionsAhead } from '../database/partitions.ts';
import { launcherFile } from '../scripts/build/program.ts';
import { build } from '../scripts/build.ts';
import { otherParts } from '../scripts/test/timed-part.ts';
import { templateVariables, withDatabase } from './database.ts';
import { countTimeAtExit, countTimeOf } from './times.ts';

/**
 * The module for `node --test --test-global-setup`. It makes everything that a whole run shares:
 *
 * - one PostgreSQL with migrated template databases, which `makeTestDatabase` clones. `CHAPERONE_TEST_DATABASE_URL`
 *   names a database of a given server instead, with a role that may create databases and roles;
 * - the directory of a migrated PostgreSQL, with partitions, for `layDatabase`;
 * - the bundled program, built from the current source, for the processes that tests start: a proxy starts in a third
 *   of the processor time. With `CHAPERONE_TEST_PROGRAM=cli/main.ts` they run the source, so errors have its line
 *   numbers.
 */
const releasers: (() => Promise<void>)[] = [];
const interruption = new AbortController();
let setup = Promise.resolve();

export function globalSetup(): Promise<void> {
  countTimeAtExit();
  setup = setUp(interruption.signal).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  return setup;
}

/** Called at the end of a run, and by Ctrl-C, which may come during the set-up. */
export async function globalTeardown(): Promise<void> {
  interruption.abort(new Error('Interrupted'));
  await setup.catch(() => {});
  await release();
}

async function release(): Promise<void> {
  for (const releaser of releasers.splice(0).reverse()) await releaser();
}

async function setUp(signal: AbortSignal): Promise<void> {
  const directory = await mkdtemp(join(await findRoom(), 'chaperone-test-'));
  releasers.push(() => rm(directory, { recursive: true, force: true }));
  // Wait for both, even where one fails, since they write into the directory.
  const parts = await Promise.allSettled([setUpDatabase(directory, signal), setUpProgram(directory)]);
  const failure = parts.find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}

/** Four times the observed need of a whole run. */
const roomyBytes = 2 ** 30;

/** Linux's in-memory file system, where it has room: cloning and dropping databases creates and deletes many files. */
async function findRoom(): Promise<string> {
  const memory = '/dev/shm';
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > roomyBytes ? memory : tmpdir();
}

async function setUpProgram(directory: string): Promise<void> {
  if (process.env.CHAPERONE_TEST_PROGRAM !== undefined) return;
  const program = join(directory, 'program');
  await build(program);
  // Packages that are not bundled are loaded from here.
  await symlink(join(dirname(import.meta.dirname), 'node_modules'), join(directory, 'node_modules'));
  process.env.CHAPERONE_TEST_PROGRAM = join(program, launcherFile);
  // A compile cache for this run only: in a shared cache, entries for this path would stay behind.
  process.env.CHAPERONE_TEST_COMPILE_CACHE = join(directory, 'compiled');
}

async function setUpDatabase(directory: string, signal: AbortSignal): Promise<void> {
  const given = process.env.CHAPERONE_TEST_DATABASE_URL;
  const server = given ?? (await startServer(directory, signal));
  const name = `chaperone_template_${randomBytes(6).toString('hex')}`;
  const templates = { migrated: name, partitioned: `${name}_partitioned` };
  // A database can be cloned only while nobody is connected to it.
  const admin = new Client({ connectionString: given ?? withDatabase(server, 'template1') });
  await admin.connect();
  releasers.push(() => admin.end());
  const create = async (template: string, source: string) => {
    await admin.query(`create database ${template} template ${source}`);
    releasers.push(async () => {
      await admin.query(`drop database ${template} with (force)`);
    });
  };
  await create(templates.migrated, given === undefined ? migratedDatabase : 'template1');
  if (given !== undefined) await migrate(withDatabase(given, templates.migrated));
  await create(templates.partitioned, templates.migrated);
  await withClient(withDatabase(server, templates.partitioned), makePartitions);
  await withClient(withDatabase(server, templates.migrated), dropPartitions);
  process.env.CHAPERONE_TEST_DATABASE_URL = server;
  for (const kind of ['migrated', 'partitioned'] as const) process.env[templateVariables[kind]] = templates[kind];
}

async function startServer(directory: string, signal: AbortSignal): Promise<string> {
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '200',
    max_wal_size: '256MB',
  };
  const options = { directory: join(directory, 'postgres'), settings, signal };
  const first = await startEmbeddedPostgres(options);
  await prepareServer(first).finally(() => first.stop());
  const laid = join(directory, 'laid-postgres');
  await cp(options.directory, laid, { recursive: true });
  const server = await startEmbeddedPostgres(options);
  releasers.push(() => {
    countTimeOf(otherParts.postgres, server.pid);
    return server.stop();
  });
  process.env.CHAPERONE_TEST_LAID_DATABASE = laid;
  process.env.CHAPERONE_TEST_SUPERUSER_URL = server.superuserUrl;
  return server.url;
}

/** Drops unused default databases: they are half of a server's files, in each copy. */
async function prepareServer({ url, superuserUrl }: EmbeddedPostgres): Promise<void> {
  await migrate(url);
  await withClient(url, makePartitions);
  await withClient(superuserUrl, async (client) => {
    await client.query('alter database template0 is_template false');
    for (const name of ['template0', 'postgres']) await client.query(`drop database ${name}`);
  });
}

/** As an operator does at its start, which takes half of PostgreSQL's time there. */
function makePartitions(client: Client): Promise<void> {
  return makePartitionsAhead(client, pino({ level: 'warn' }, pino.destination(2)), Date.now());
}

async function dropPartitions(client: Client): Promise<void> {
  const { rows } = await client.query<{ partition: string }>(
    `select inhrelid::regclass::text as partition from pg_inherits
     where inhparent in ('chaperone.requests'::regclass, 'chaperone.request_contents'::regclass)
       and inhrelid::regclass::text not like '%\\_default'`,
  );
  for (const { partition } of rows) await client.query(`drop table ${partition}`);
}

async function withClient(connectionString: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
