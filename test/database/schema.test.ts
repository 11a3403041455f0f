import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { dumpSchema } from '../../database/dump-schema.ts';
import { ensureRequestPartitions } from '../../database/requests.ts';
import { connect, openDatabase } from './tenant.ts';

async function open(t: TestContext) {
  const { owner, url } = await openDatabase(t);
  const file = await readFile(join(import.meta.dirname, '../../database/schema.sql'), 'utf8');
  return { owner, url, file };
}

test('schema.sql equals the result of the migrations', async (t) => {
  const { owner, file } = await open(t);
  assert.equal(file, await dumpSchema(owner), 'run `npm run generate`');
});

test('partitions that were made at run time are not part of schema.sql', async (t) => {
  const { owner, file } = await open(t);
  await ensureRequestPartitions(owner, new Date());
  assert.equal(await dumpSchema(owner), file);
});

test('schema.sql makes the schema that it describes', async (t) => {
  const { owner, url, file } = await open(t);
  await owner.query('drop schema chaperone cascade');
  await owner.query(file);
  // The file changes its session's settings.
  assert.equal(await dumpSchema(await connect(t, url)), file);
});

test('an added or changed object shows as a difference', async (t) => {
  const { owner, file } = await open(t);
  for (const sql of [
    'create table chaperone.t (n int)',
    'alter table chaperone.users add column n int',
    'alter table chaperone.users alter column external_id drop not null',
    'alter table chaperone.users alter column is_active set default false',
    'alter table chaperone.users add check (external_id <> $$x$$)',
    'alter table chaperone.conversation_analyses drop constraint conversation_analyses_conversation',
    'alter table chaperone.users disable row level security',
    'create index on chaperone.users (created_at)',
    'create policy p on chaperone.users using (true)',
    'grant delete on chaperone.users to chaperone_tenant',
    'grant update (external_id) on chaperone.users to chaperone_tenant',
    'grant execute on function chaperone.stamp_config_version() to chaperone_tenant',
    'alter function chaperone.current_organization_id() reset search_path',
    'drop trigger stamp_config_version on chaperone.personas',
    'grant create on schema chaperone to chaperone_tenant',
  ]) {
    await owner.query('begin');
    await owner.query(sql);
    assert.notEqual(await dumpSchema(owner), file, sql);
    await owner.query('rollback');
  }
});
