import { randomBytes } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { Client } from 'pg';

export interface TestDatabase {
  /** URL with the owner's login. */
  readonly url: string;
  /** Absent where the run uses a given server. */
  readonly superuserUrl?: string;
  /** Drops the database, even with open connections. */
  close(): Promise<void>;
}

/** The run's templates: just migrated, or also with the partitions that an operator makes at its start. */
export const templateVariables = {
  migrated: 'CHAPERONE_TEST_TEMPLATE',
  partitioned: 'CHAPERONE_TEST_PARTITIONED_TEMPLATE',
} as const;

/**
 * Makes a migrated database for a test file, cloned from one of the run's templates. Roles belong to the whole server, so
 * a test that makes organizations' roles must give each organization a new id.
 */
export async function makeTestDatabase(kind: keyof typeof templateVariables = 'migrated'): Promise<TestDatabase> {
  const server = requireEnvironment('CHAPERONE_TEST_DATABASE_URL');
  const template = requireEnvironment(templateVariables[kind]);
  const superuser = process.env.CHAPERONE_TEST_SUPERUSER_URL;
  const name = `chaperone_test_${randomBytes(6).toString('hex')}`;
  // A copy of files takes half of the processor time of a copy by way of the log, and so does dropping it.
  await execute(server, `create database ${name} template ${template} strategy file_copy`);
  return {
    url: withDatabase(server, name),
    ...(superuser === undefined ? {} : { superuserUrl: withDatabase(superuser, name) }),
    // The owner has no right to disconnect the organizations' roles.
    close: () => execute(superuser ?? server, `drop database ${name} with (force)`),
  };
}

/**
 * Copies a migrated database to where an embedded PostgreSQL will start. That takes a twentieth of the time of creating
 * one. Does nothing where the run uses a given server.
 */
export async function layDatabase(directory: string): Promise<void> {
  const laid = process.env.CHAPERONE_TEST_LAID_DATABASE;
  if (laid !== undefined) await cp(laid, directory, { recursive: true });
}

function requireEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run this file with "npm test -- FILE"`);
  return value;
}

/** The URL of another database of the same server. */
export function withDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function execute(connectionString: string, sql: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
