import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { leaseQuota } from '../../../database/quota.ts';
import type { Counted } from '../../../proxy/quota/counted.ts';
import { makeDatabaseClock } from '../../../proxy/quota/database-clock.ts';
import { makeQuota } from '../../../proxy/quota/quota.ts';
import { connect, makeTenant, openDatabase } from '../../database/tenant.ts';

const counted: Counted = {
  ...{ rule: 'limits/paused', unit: 'requests', per: 'Organization', window: { kind: 'total' } },
  amountAt: () => 1,
};

/** As a throttled pod does, or one that loads a module. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('a process that was paused takes the answer that has come meanwhile, and no call passes uncounted', async (t) => {
  const database = await openDatabase(t);
  const tenant = await makeTenant(database);
  const asTenant = await connect(t, tenant.url);
  const failures: unknown[] = [];
  const quota = makeQuota({
    lease: (demands) => leaseQuota(asTenant, demands),
    clock: makeDatabaseClock(),
    every: () => () => {},
    onFailure: (error) => failures.push(error),
  });
  const slices = quota.use([counted])(counted);
  const take = () => {
    const now = quota.clock.now();
    return quota.take([quota.claim({ enforces: true, allowsUnavailable: true }, slices, '', 1, now)], now);
  };
  const taken = take();
  await setImmediate();
  pause(1_500);
  assert.equal(await taken, undefined);
  const [shortfall] = (await take()) ?? [];
  assert.deepEqual([shortfall?.reason, failures], ['exhausted', []]);
  await quota.stop();
});
