import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../../../database/migrate.ts';
import { scramVerifier } from '../../../database/roles.ts';
import { type Figures, round } from '../../benchmark.ts';

const migrations = join(import.meta.dirname, '..', '..', '..', 'database', 'migrations');
const databaseName = 'upgraded';

/**
 * Migrates a database of its own to half of the migrations, makes Organizations with their roles and users there, and applies
 * the other half.
 */
export async function measureUpgrade(superuserUrl: string, organizations: number): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
  const files = (await readdir(migrations)).filter((name) => /^\d{6}\.sql$/.test(name)).sort();
  const half = files.slice(0, files.length >> 1);
  for (const name of half) await cp(join(migrations, name), join(directory, name));
  const superuser = new Client({ connectionString: superuserUrl });
  await superuser.connect();
  await superuser.query(`create database ${databaseName}`);
  await superuser.end();
  const url = new URL(superuserUrl);
  url.pathname = `/${databaseName}`;
  try {
    const firstAtMs = performance.now();
    await migrate(url.href, directory);
    const firstMs = performance.now() - firstAtMs;
    const madeMs = await makeOrganizations(url.href, organizations);
    const secondAtMs = performance.now();
    await migrate(url.href);
    return {
      migrate_empty_first_half_s: round(firstMs / 1_000),
      make_roles_s: round(madeMs / 1_000),
      migrate_second_half_s: round((performance.now() - secondAtMs) / 1_000),
      migrations_in_second_half: files.length - half.length,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const usersOfOrganization = 20;

async function makeOrganizations(databaseUrl: string, count: number): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const startedAtMs = performance.now();
  const verifier = scramVerifier('password');
  for (let number = 1; number <= count; number += 1) {
    const id = randomUUID();
    await client.query('select chaperone.ensure_organization_role($1::uuid, $2::text)', [id, verifier]);
    await client.query(
      `insert into chaperone.organizations (organization_id, name, spec) values ($1::uuid, $2::text, '{}')`,
      [id, `made-${number}`],
    );
    await client.query(
      `insert into chaperone.users (organization_id, user_id, external_id)
       select $1::uuid, gen_random_uuid(), 'user-' || n from generate_series(1, $2::integer) n`,
      [id, usersOfOrganization],
    );
  }
  await client.end();
  return performance.now() - startedAtMs;
}
