import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLeaderLease } from '../../../../cli/check/cluster/leader-lease.ts';

const meta = { name: 'chaperone-operator', uid: '1', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

const leaseOf = (holderIdentity: string) => ({ metadata: { ...meta }, spec: { holderIdentity } });

/** Reads these one after another, and then the last one again and again. */
function makeReadings<T>(readings: readonly T[]) {
  let count = 0;
  return { read: async () => readings[Math.min(count++, readings.length - 1)] as T, count: () => count };
}

test('a Lease that is held is read once', async () => {
  const { read, count } = makeReadings([leaseOf('one')]);
  assert.deepEqual(await readLeaderLease(read), leaseOf('one'));
  assert.equal(count(), 1);
});

for (const [what, between] of [
  ['released', leaseOf('')],
  ['not there yet', undefined],
] as const) {
  test(`a Lease that is ${what} is read until the next leader holds it`, async () => {
    const { read } = makeReadings([between, between, leaseOf('two')]);
    assert.deepEqual(await readLeaderLease(read, async () => {}), leaseOf('two'));
  });

  test(`a Lease that stays ${what} is reported as it is`, async () => {
    const { read, count } = makeReadings([between]);
    assert.deepEqual(await readLeaderLease(read, async () => {}), between);
    assert.ok(count() > 1);
  });
}
