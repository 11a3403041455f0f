import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, openDatabase } from './database/tenant.ts';
import { countLockWaiters } from './lock-waiters.ts';
import { suiteScope } from './scope.ts';
import { until } from './until.ts';

const scope = suiteScope();

test('who waits in another database of the run is not counted', async () => {
  const [one, other] = [await openDatabase(scope), await openDatabase(scope)];
  const holder = await connect(scope, one.url);
  const waiter = await connect(scope, one.url);
  await holder.query('begin; lock table chaperone.requests');
  const waited = waiter.query('begin; lock table chaperone.requests');
  await until(async () => (await countLockWaiters(one.owner, 'requests')) === 1, 'one to wait');
  assert.equal(await countLockWaiters(other.owner, 'requests'), 0);
  await holder.query('rollback');
  await waited;
  await waiter.query('rollback');
});
