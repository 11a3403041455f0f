import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { DatabaseError } from 'pg';
import { type ByteStatement, runWithBytes } from '../../database/insert-bytes.ts';
import { suiteScope } from '../scope.ts';
import { type OwnedDatabase, openDatabase } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});

const insert = (...values: (string | Buffer)[]): ByteStatement => ({
  name: 'insert-said',
  text: 'insert into said select $1::text, $2::json, $3::bytea',
  values,
});

test('text and bytes arrive as they are, several times on one connection, also after a refusal', async () => {
  const { owner: db } = database;
  await db.query('create temp table said (who text, what json, sealed bytea)');
  const large = Buffer.alloc(3 * 1024 * 1024, 0xe9);
  await runWithBytes(db, insert('é', Buffer.from('{"a":1}'), large));
  await runWithBytes(db, insert('', Buffer.from('[]'), Buffer.alloc(0)));
  await assert.rejects(runWithBytes(db, insert('x', Buffer.from('{'), large)), DatabaseError);
  // One is sent before the other is answered.
  await Promise.all(['b', 'c'].map((who) => runWithBytes(db, insert(who, Buffer.from('0'), Buffer.from([0, 1, 255])))));
  const { rows } = await db.query(`select who, what::text, sealed from said order by who collate "C"`);
  assert.deepEqual(rows, [
    { who: '', what: '[]', sealed: Buffer.alloc(0) },
    { who: 'b', what: '0', sealed: Buffer.from([0, 1, 255]) },
    { who: 'c', what: '0', sealed: Buffer.from([0, 1, 255]) },
    { who: 'é', what: '{"a":1}', sealed: large },
  ]);
});

test('a statement that cannot be prepared rejects, and the connection goes on', async () => {
  const { owner: db } = database;
  const wrong = { name: 'wrong', text: 'insert into nowhere values ($1)', values: [Buffer.from('x')] };
  await assert.rejects(runWithBytes(db, wrong), /nowhere/);
  await assert.rejects(runWithBytes(db, wrong), /nowhere/);
  assert.deepEqual((await db.query('select 1 as one')).rows, [{ one: 1 }]);
});

test('the rows of a statement are dropped, and the connection goes on', async () => {
  const { owner: db } = database;
  const reading = { name: 'reading', text: 'select $1::text, n from generate_series(1, 3) n', values: ['x'] };
  await runWithBytes(db, reading);
  await runWithBytes(db, reading);
  assert.deepEqual((await db.query('select 1 as one')).rows, [{ one: 1 }]);
});
