import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../cli/embedded-postgres.ts';
import { migrate } from '../database/migrate.ts';

/**
 * The module for `node --test --test-global-setup`: one PostgreSQL for a whole run, with a migrated template database
 * that `makeTestDatabase` clones for each test file. `CHAPERONE_TEST_DATABASE_URL` names another server's database
 * instead, with a role that may create databases and roles.
 */
const releasers: (() => Promise<void>)[] = [];
const interruption = new AbortController();
let setup = Promise.resolve();

export function globalSetup(): Promise<void> {
  setup = setUp(interruption.signal).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  return setup;
}

/** Called at the end of a run, and by Ctrl-C, perhaps in the middle of the set-up. */
export async function globalTeardown(): Promise<void> {
  interruption.abort(new Error('Interrupted'));
  await setup.catch(() => {});
  await release();
}

async function release(): Promise<void> {
  for (const releaser of releasers.splice(0).reverse()) await releaser();
}

async function setUp(signal: AbortSignal): Promise<void> {
  const server = process.env.CHAPERONE_TEST_DATABASE_URL ?? (await startServer(signal));
  const template = `chaperone_template_${randomBytes(6).toString('hex')}`;
  const admin = new Client({ connectionString: server });
  await admin.connect();
  releasers.push(() => admin.end());
  await admin.query(`create database ${template}`);
  releasers.push(async () => {
    await admin.query(`drop database ${template} with (force)`);
  });
  const url = new URL(server);
  url.pathname = `/${template}`;
  await migrate(url.href);
  process.env.CHAPERONE_TEST_DATABASE_URL = server;
  process.env.CHAPERONE_TEST_TEMPLATE = template;
}

async function startServer(signal: AbortSignal): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'));
  releasers.push(() => rm(directory, { recursive: true, force: true }));
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };
  const server = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), settings, signal });
  releasers.push(() => server.stop());
  process.env.CHAPERONE_TEST_SUPERUSER_URL = server.superuserUrl;
  return server.url;
}
