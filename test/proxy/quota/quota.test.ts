import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { QuotaDemand } from '../../../database/quota.ts';
import type { Counted } from '../../../proxy/quota/counted.ts';
import { makeDatabaseClock } from '../../../proxy/quota/database-clock.ts';
import { makeQuota } from '../../../proxy/quota/quota.ts';

/** A database that answers when the test says so, and has plenty. It grants little more than is asked for. */
function makeHeldDatabase() {
  const held: (() => void)[] = [];
  const lease = (demands: readonly QuotaDemand[]) =>
    new Promise<void>((resolve) => held.push(resolve)).then(() =>
      demands.map(({ counterId, leaseId, wanted, target }) => ({
        ...{ counterId, leaseId, granted: Math.max(wanted, Math.min(target, 90)), room: 1_000_000 },
        ...{ isCurrent: true, atMs: Date.now() },
      })),
    );
  return { lease, held };
}

const counted: Counted = {
  ...{ rule: 'limits/calls', unit: 'tokens', per: 'Organization', window: { kind: 'total' } },
  amountAt: () => 1_000_000,
};

test('calls that others overtake while they wait ask again, and are not refused', async () => {
  const { lease, held } = makeHeldDatabase();
  const quota = makeQuota({ lease, clock: makeDatabaseClock(), every: () => () => {} });
  const slices = quota.use([counted])(counted);
  const options = { enforces: true, allowsUnavailable: false };
  const take = (amount: number) => {
    const now = quota.clock.now();
    return quota.take([quota.claim(options, slices, '', amount, now)], now);
  };
  const answer = async () => {
    for (const resolve of held.splice(0)) resolve();
    await setImmediate();
  };
  const first = take(10);
  await setImmediate();
  await answer();
  assert.equal(await first, undefined);
  await answer();
  // Needs more than what is leased, and waits; small ones use up what is leased while its demand is on its way.
  const large = take(10_000);
  await setImmediate();
  const small = Array.from({ length: 40 }, () => take(2));
  const all = Promise.all([large, ...small]);
  for (let round = 0; round < 20; round += 1) await answer();
  assert.deepEqual([...new Set(await all)], [undefined]);
});
