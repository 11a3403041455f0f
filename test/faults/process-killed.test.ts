import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';
import { assertAccountsEqualBill, countRunning, makeCall, type Seen } from './accounts.ts';

it('kill -9 of the proxy amid 200 concurrent calls loses no record and invents none', async (t) => {
  const stack = await startStack(t, { ownProcess: true });
  const seen: Seen[] = [];
  const calls = Array.from({ length: 200 }, async (_, number) => {
    // From done at once to far from done when the kill comes, and some that are under way whenever it comes.
    const latencyMs = number % 5 === 0 ? 600_000 : (number % 50) * 20;
    const faults = `latency=${latencyMs},words=60,delta-delay=${number % 7}`;
    seen.push(await makeCall(stack, `call-${number}`, number % 2 === 0, faults));
  });
  await until(() => seen.length >= 40, '40 calls to be done');
  await until(async () => (await countRunning(stack)) >= 40, '40 calls to be under way');
  const pid = stack.proxy.pid() ?? 0;
  process.kill(pid, 'SIGKILL');
  await Promise.all(calls);
  await until(() => stack.proxy.pid() !== pid, 'the proxy to be started again');
  await until(async () => {
    const after = await makeCall(stack, 'after', false, 'words=5');
    if (after.finishedAs !== undefined) seen.push(after);
    return after.finishedAs !== undefined;
  }, 'the proxy to serve again');

  const statuses = await assertAccountsEqualBill(stack, seen, ['interrupted']);
  t.diagnostic(`records by status: ${JSON.stringify(statuses)}`);
  assert.ok((statuses.interrupted ?? 0) >= 20, 'the kill came when nothing was under way');
  assert.ok(seen.filter((call) => call.finishedAs === undefined).length >= 20);
});
