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

export async function globalSetup(): Promise<void> {
  try {
    await setUp();
  } catch (error) {
    await globalTeardown();
    throw error;
  }
}

export async function globalTeardown(): Promise<void> {
  for (const release of releasers.splice(0).reverse()) await release();
}

async function setUp(): Promise<void> {
  const server = process.env.CHAPERONE_TEST_DATABASE_URL ?? (await startServer());
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

async function startServer(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'));
  releasers.push(() => rm(directory, { recursive: true, force: true }));
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };
  const server = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), settings });
  releasers.push(() => server.stop());
  process.env.CHAPERONE_TEST_SUPERUSER_URL = server.superuserUrl;
  return server.url;
}
