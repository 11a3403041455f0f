import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { endOrganizationSessions, ensureOrganizationRole } from '../../database/roles.ts';
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
