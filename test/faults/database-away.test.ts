import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';
import { assertAccountsEqualBill, makeCall, type Seen } from './accounts.ts';

const outageMs = 30_000;
/** After the database has gone and before it comes, the load is as high as it gets for so long. */
const edgeMs = 2_000;
/** Between, each of the load's clients makes a call in so long. */
const paceMs = 160;
/** A machine on which that is too little for so many goes on until they are. */
const leastCalls = 1_000;

it('30 seconds without the database under load: every call is answered, and every record arrives', async (t) => {
  const stack = await startStack(t, { ownDatabase: true, ownProcess: true });
  const seen: Seen[] = [];
  let loading = true;
  let isPaced = false;
  let number = 0;
  const load = Array.from({ length: 8 }, async () => {
    while (loading) {
      number += 1;
      const pause = isPaced ? sleep(paceMs) : undefined;
      seen.push(await makeCall(stack, `call-${number}`, number % 2 === 0, 'latency=20,words=10'));
      await pause;
    }
  });
  await until(() => seen.length >= 20, 'the load to have begun');
  await stack.database.stop();
  const before = seen.length;
  await sleep(edgeMs);
  isPaced = true;
  await sleep(outageMs - 2 * edgeMs);
  isPaced = false;
  await sleep(edgeMs);
  const during = await until(() => seen.length - before > leastCalls && seen.length - before, 'the calls', 300_000);
  await stack.database.start();
  const withDatabase = seen.length + 20;
  await until(() => seen.length >= withDatabase, 'the load to go on');
  loading = false;
  await Promise.all(load);

  assert.deepEqual(
    seen.filter((call) => call.finishedAs === undefined),
    [],
    'a call failed',
  );
  const statuses = await assertAccountsEqualBill(stack, seen, []);
  t.diagnostic(`calls answered while the database was away: ${during}; records by status: ${JSON.stringify(statuses)}`);
});
