import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { insertPendingCalls, type PendingCall } from '../../../database/pending-calls.ts';
import { countPrefix, leaseQuota, type QuotaDemand } from '../../../database/quota.ts';
import type { Counted } from '../../../proxy/quota/counted.ts';
import { makeDatabaseClock } from '../../../proxy/quota/database-clock.ts';
import { makeQuota } from '../../../proxy/quota/quota.ts';
import { connect, makeTenant, openDatabase } from '../../database/tenant.ts';
import { HeldClock } from '../../held-clock.ts';
import { makeRecord } from '../../request-record.ts';

const limit = 40;
const pendingAmount = 10;
const counted: Counted = {
  ...{ rule: 'limits/held', unit: 'tokens', per: 'Organization', window: { kind: 'total' } },
  amountAt: () => limit,
};
const rule = { enforces: true, allowsUnavailable: false };

/**
 * PostgreSQL grants a lease that still has what a call has reserved, and is slow to say so. Meanwhile it stores the call as
 * pending, and withholds the same amount beside the lease.
 */
test('what is handed over while a lease’s answer is on its way is neither used twice nor lost', async (t) => {
  const database = await openDatabase(t);
  const tenant = await makeTenant(database);
  const asTenant = await connect(t, tenant.url);
  const ticks = new HeldClock(0);
  let isHeld = false;
  const held: (() => void)[] = [];
  const lease = async (demands: readonly QuotaDemand[]) => {
    const grants = await leaseQuota(asTenant, demands);
    if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
    return grants;
  };
  const clock = makeDatabaseClock(ticks.read);
  let isStored = false;
  const quota = makeQuota({ lease, clock, whenStored: () => () => isStored, every: () => () => {} });
  const slices = quota.use([counted])(counted);
  const claim = (amount: number) => quota.claim(rule, slices, '', amount, clock.now());
  const take = async (amount: number) => {
    const made = claim(amount);
    assert.equal(await quota.take([made], clock.now()), undefined);
    return made;
  };

  const pending = await take(pendingAmount);
  await quota.idle();
  const { slice } = pending;
  const rest = limit - pendingAmount;
  isHeld = true;
  // All that is left is needed, so more is asked for. The answer has the whole limit, the pending call included.
  const other = quota.take([claim(rest)], clock.now());
  while (held.length === 0) await setImmediate();
  const record: PendingCall = {
    ...makeRecord(tenant.id, { response_id: null }),
    ...{ response_id: `resp_${randomUUID()}`, input_sealed: null, output_sealed: null },
    quota: `${countPrefix(slice.counter.unit, slice.counterId, quota.pendingLeaseId)}${pendingAmount}`,
  };
  quota.handOver([pending]);
  await insertPendingCalls(asTenant, tenant.id, JSON.stringify([record]));
  isStored = true;
  quota.tick();
  isHeld = false;
  for (const answer of held.splice(0)) answer();
  assert.equal(await other, undefined);
  assert.equal(slice.free(clock.ticks()), 0, 'all of the limit is in use, or pending');
  await quota.idle();
  quota.tick();
  await quota.idle();

  // The other call gives its part back. All but what is pending can be used, one by one, and no more.
  slice.settle(rest, 0, clock.ticks());
  let used = 0;
  while (used <= limit && (await quota.take([claim(1)], clock.now())) === undefined) {
    used += 1;
    await quota.idle();
    ticks.advance(1_000);
    if (used % 5 === 0) quota.tick();
  }
  assert.equal(used, rest);
  const { rows } = await asTenant.query<{ held: number }>(
    `select (greatest(sum(granted), sum(spent)) + chaperone.quota_pending($1, $2))::float8 as held
     from chaperone.quota_leases where organization_id = $1 and counter_id = $2`,
    [tenant.id, slice.counterId],
  );
  assert.equal(rows[0]?.held, limit);
  await quota.stop();
});
