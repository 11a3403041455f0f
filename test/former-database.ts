import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Client } from 'pg';
import { migrate } from '../database/migrate.ts';
import { scramVerifier } from '../database/roles.ts';
import { dropOrganizationRoles, organizationSpec } from './database/tenant.ts';
import { makeTestDatabase } from './database.ts';
import { atEnd } from './scope.ts';

/** Makes a database as an earlier version left it. @param former the last migration of that version */
export async function makeFormerDatabase(t: TestContext, former: string) {
  const { url, close } = await makeTestDatabase();
  const owner = new Client({ connectionString: url });
  await owner.connect();
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-migrations-'));
  atEnd(t, async () => {
    await dropOrganizationRoles(owner);
    await owner.end();
    await close();
    await rm(directory, { recursive: true });
  });
  await owner.query('drop schema chaperone cascade');
  const migrations = join(import.meta.dirname, '../database/migrations');
  for (const name of await readdir(migrations)) {
    if (name <= former) await copyFile(join(migrations, name), join(directory, name));
  }
  await migrate(url, directory);
  return { url, owner };
}

/** Makes an organization as the earlier operator did, with its login. */
export async function makeFormerTenant(owner: Client, url: string, name: string) {
  const id = randomUUID();
  const { rows } = await owner.query<{ role: string }>('select chaperone.ensure_organization_role($1, $2) as role', [
    id,
    scramVerifier('secret'),
  ]);
  await owner.query('insert into chaperone.organizations (organization_id, name, spec) values ($1, $2, $3)', [
    id,
    name,
    JSON.stringify(organizationSpec),
  ]);
  const role = rows[0]?.role ?? '';
  return { id, role, url: Object.assign(new URL(url), { username: role, password: 'secret' }).href };
}
