import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfigVersion } from '../../database/config.ts';
import { migrate } from '../../database/migrate.ts';
import { findOrganization, retireOrganization, upsertOrganization } from '../../database/organizations.ts';
import { atEnd } from '../scope.ts';
import { openDatabase, organizationSpec } from './tenant.ts';

const migrations = join(import.meta.dirname, '../../database/migrations');

const stored = { id: '5d0a3c53-3a0e-4f4c-9e0b-0d3f0f4a7c11', name: 'stored' };
const deleted = { id: '5d0a3c53-3a0e-4f4c-9e0b-0d3f0f4a7c12', name: 'deleted' };

test('an organization that is older than stricter defaults keeps the former ones', async (t) => {
  const database = await openDatabase(t);
  const { owner } = database;
  await owner.query('drop schema chaperone cascade');
  const earlier = await mkdtemp(join(tmpdir(), 'chaperone-migrations-'));
  atEnd(t, () => rm(earlier, { recursive: true }));
  for (const name of await readdir(migrations)) {
    if (name < '000013') await copyFile(join(migrations, name), join(earlier, name));
  }
  await migrate(database.url, earlier);
  for (const { id, name } of [stored, deleted]) {
    await owner.query('insert into chaperone.organizations (organization_id, name, spec) values ($1, $2, $3)', [
      id,
      name,
      organizationSpec,
    ]);
  }
  await owner.query('update chaperone.organizations set deleted_at = now() where organization_id = $1', [deleted.id]);
  const version = await readConfigVersion(owner, stored.id);
  await migrate(database.url);

  const keepsOldDefaults = async (name: string) => (await findOrganization(owner, name))?.keepsOldDefaults;
  assert.equal(await keepsOldDefaults(stored.name), true);
  assert.equal(await keepsOldDefaults(deleted.name), false);
  assert.equal(await readConfigVersion(owner, stored.id), version);
  await upsertOrganization(owner, {
    organizationId: '5d0a3c53-3a0e-4f4c-9e0b-0d3f0f4a7c13',
    name: 'later',
    spec: organizationSpec,
  });
  assert.equal(await keepsOldDefaults('later'), false);
  await retireOrganization(owner, stored.id);
  await upsertOrganization(owner, { organizationId: stored.id, name: stored.name, spec: organizationSpec });
  assert.equal(await keepsOldDefaults(stored.name), false);
});
