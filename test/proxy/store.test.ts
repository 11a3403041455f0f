import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { endOrganizationSessions, ensureOrganizationRole } from '../../database/roles.ts';
import { inTransaction } from '../../database/transaction.ts';
import { makeStore } from '../../proxy/store.ts';
import { makeTenant, openDatabase } from '../database/tenant.ts';
import { atEnd } from '../scope.ts';

const log = pino({ level: 'silent' });

test('a store logs in anew when the password changes, and keeps its connections until that works', async (t) => {
  const database = await openDatabase(t);
  const tenant = await makeTenant(database);
  let url = tenant.url;
  const store = makeStore({ databaseUrl: () => url, log });
  atEnd(t, () => store.close());
  const pidOf = () =>
    store.run(async (db) => (await db.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid);
  const first = await pidOf();
  assert.equal(await pidOf(), first);
  url = Object.assign(new URL(tenant.url), { password: 'another' }).href;
  assert.equal(await pidOf(), first);
  await ensureOrganizationRole(database.owner, tenant.id, 'another');
  const second = await pidOf();
  assert.notEqual(second, first);
  await endOrganizationSessions(database.owner, tenant.id);
  assert.equal(await pidOf(), second);
});

test('a store tells a slow statement from a database that is away, and keeps its connection', async (t) => {
  const database = await openDatabase(t);
  const tenant = await makeTenant(database);
  const store = makeStore({ databaseUrl: () => tenant.url, log });
  atEnd(t, () => store.close());
  const pidOf = () =>
    store.run(async (db) => (await db.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid);
  const first = await pidOf();
  const slow = store.run((db) =>
    inTransaction(db, async () => {
      await db.query('set local statement_timeout = 20');
      await db.query('select pg_sleep(10)');
    }),
  );
  await assert.rejects(slow, {
    code: 'store_unavailable',
    message: 'The database ended a statement that took too long; try again',
  });
  assert.equal(await pidOf(), first);
  await database.owner.query(`grant ${tenant.role} to current_user`);
  const ended = store.run((db) => db.query('select pg_terminate_backend(pg_backend_pid())'));
  await assert.rejects(ended, {
    code: 'store_unavailable',
    message: 'The database is starting or shutting down; try again',
  });
  assert.notEqual(await pidOf(), first);
});
