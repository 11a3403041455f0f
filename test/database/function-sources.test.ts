import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type FunctionSources, findFunctionDrift, readFunctionSources } from '../../database/function-sources.ts';
import { suiteScope } from '../scope.ts';
import { connect, type OwnedDatabase, openDatabase } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let sources: FunctionSources;

before(async () => {
  database = await openDatabase(scope);
  sources = await readFunctionSources();
});
test('each function of the migrated database equals its file', async () => {
  assert.deepEqual(await findFunctionDrift(database.owner, sources), { changed: [], faults: [] });
});

test('the comparison leaves the database as it was', async (t) => {
  const client = await connect(t, database.url);
  const count = 'select count(*)::int as count from pg_depend';
  const { rows: earlier } = await client.query<{ count: number }>(count);
  await findFunctionDrift(client, sources);
  assert.deepEqual((await client.query<{ count: number }>(count)).rows, earlier);
});

describe('a file and the database', () => {
  const digest = 'user_digest';
  const edits: readonly (readonly [what: string, edit: (source: string) => string, changed: string[]])[] = [
    ['that differ by a comment above the function', (source) => `-- More.\n${source}`, []],
    ['that differ by the case of keywords', (source) => source.replace('language sql', 'LANGUAGE SQL'), []],
    ['that differ in the body', (source) => source.replace('sha256', 'sha512'), [digest]],
    [
      'that differ in a comment in the body',
      (source) => source.replace('as $$', (opening) => `${opening}\n  -- Why.`),
      [digest],
    ],
    [
      'that differ in a setting',
      (source) => source.replace('as $$', (opening) => `set timezone = 'UTC'\n${opening}`),
      [digest],
    ],
    ['that differ in a grant', (source) => source.replace(/^grant .*\n/m, ''), [digest]],
    ['that differ in what everyone may call', (source) => source.replace(/^revoke .*\n/m, ''), [digest]],
  ];
  for (const [what, edit, changed] of edits) {
    test(`${what}: ${changed.length > 0 ? 'drift' : 'the same'}`, async () => {
      const source = sources.get(digest) ?? '';
      const edited = edit(source);
      assert.notEqual(edited, source);
      const drift = await findFunctionDrift(database.owner, new Map([...sources, [digest, edited]]));
      assert.deepEqual(drift, { changed, faults: [] });
    });
  }

  test('a new file has to be copied', async () => {
    const added = new Map([
      ...sources,
      ['f', 'create function chaperone.f() returns int language sql as $$ select 1 $$'],
    ]);
    assert.deepEqual(await findFunctionDrift(database.owner, added), { changed: ['f'], faults: [] });
  });

  const mistakes: readonly (readonly [what: string, edit: (sources: Map<string, string>) => void, fault: RegExp])[] = [
    [
      'a function without a file',
      (edited) => edited.delete(digest),
      /^chaperone\.user_digest has no file: add database\/functions\/user_digest\.sql, or drop it in a migration$/,
    ],
    [
      'a file that makes nothing',
      (edited) => edited.set(digest, '-- Nothing.'),
      /^database\/functions\/user_digest\.sql makes no function chaperone\.user_digest$/,
    ],
    [
      'a file that makes another function as well',
      (edited) =>
        edited.set(digest, `${edited.get(digest)} create function chaperone.g() returns int language sql return 1`),
      /^chaperone\.g needs a file of its own, database\/functions\/g\.sql$/,
    ],
    [
      'a file with a mistake',
      (edited) => edited.set(digest, 'create or replace function'),
      /^database\/functions\/user_digest\.sql fails: syntax error/,
    ],
    [
      'another argument',
      (edited) => edited.set(digest, edited.get(digest)?.replaceAll('user_id uuid', 'user_id text') ?? ''),
      /fails: function chaperone\.user_digest\(uuid, uuid\) does not exist/,
    ],
    [
      'another argument, and privileges for it',
      (edited) => edited.set(digest, edited.get(digest)?.replaceAll(/uuid(?=\)( from| to| returns))/g, 'text') ?? ''),
      /user_digest\.sql changes the arguments or the result .*\n.*user_id uuid\) returns bytea\n.*user_id text\) returns bytea\n.*by hand that drops chaperone\.user_digest\(uuid,uuid\)/,
    ],
    [
      'another result',
      (edited) => edited.set(digest, edited.get(digest)?.replace('returns bytea', 'returns text') ?? ''),
      /user_digest\.sql changes the arguments or the result .*\n.* returns bytea\n.* returns text\n/,
    ],
  ];
  for (const [what, edit, fault] of mistakes) {
    test(`${what} needs a person`, async () => {
      const edited = new Map(sources);
      edit(edited);
      const drift = await findFunctionDrift(database.owner, edited);
      assert.deepEqual(drift.changed, []);
      assert.equal(drift.faults.length, 1);
      assert.match(drift.faults[0] ?? '', fault);
    });
  }
});
