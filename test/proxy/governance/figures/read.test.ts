import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { readFigures } from '../../../../proxy/governance/figures/read.ts';
import { makeStore } from '../../../../proxy/store.ts';
import { makeTenant, openDatabase } from '../../../database/tenant.ts';
import { atEnd } from '../../../scope.ts';

test('a question that takes longer than a statement may is refused by name, and the connection stays', async (t) => {
  const tenant = await makeTenant(await openDatabase(t));
  const store = makeStore({ databaseUrl: () => tenant.url, log: pino({ level: 'silent' }) });
  atEnd(t, () => store.close());
  const context = { store, shipped: async () => {} };
  const processId = async () => (await store.run((db) => db.query('select pg_backend_pid() as id'))).rows[0].id;
  const before = await processId();
  const slow = readFigures(context, async (db) => {
    await db.query('set local statement_timeout = 20');
    await db.query('select pg_sleep(60)');
  });
  await assert.rejects(slow, {
    code: 'store_unavailable',
    status: 503,
    message: /takes too long .*: ask for a shorter period$/,
  });
  assert.equal(await processId(), before);
});
