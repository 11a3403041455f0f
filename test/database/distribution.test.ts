import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { suiteScope } from '../scope.ts';
import { findDistributionGaps, referenceTables } from './distribution-rules.ts';
import { type OwnedDatabase, openDatabase } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});

test('every table can be spread over servers by organization', async () => {
  assert.deepEqual(await findDistributionGaps(database.owner), []);
});

test('the tables that every server would have are few and exist', async () => {
  const { rows } = await database.owner.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'chaperone'::regnamespace and relname = any ($1) order by 1`,
    [referenceTables],
  );
  assert.deepEqual(
    rows.map(({ name }) => name),
    referenceTables,
  );
});

test('what cannot be spread is named', async () => {
  const { owner } = database;
  for (const [sql, gap] of [
    ['create table chaperone.t (n int)', 't has no organization_id'],
    ['create table chaperone.t (organization_id uuid)', 't has no organization_id'],
    ['create unique index u on chaperone.users (external_id)', 'u holds for all organizations together'],
    ['alter table chaperone.users add constraint u unique (created_at)', 'u holds for all organizations together'],
    [
      `create table chaperone.t (organization_id uuid not null, parent uuid,
         constraint r foreign key (parent, organization_id) references chaperone.users (organization_id, user_id))`,
      "r refers to another organization's server",
    ],
  ] as const) {
    await owner.query('begin');
    await owner.query(sql);
    assert.deepEqual(await findDistributionGaps(owner), [gap], sql);
    await owner.query('rollback');
  }
});
