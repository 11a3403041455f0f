import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';
import { assertAccountsEqualBill, makeCall, type Seen } from './accounts.ts';

it('a proxy that starts while the database is away serves with its stored configuration', async (t) => {
  const stack = await startStack(t, { ownDatabase: true, ownProcess: true });
  const seen: Seen[] = [await makeCall(stack, 'before', false, 'words=5')];
  await stack.database.stop();
  const pid = stack.proxy.pid() ?? 0;
  process.kill(pid, 'SIGKILL');
  await until(() => stack.proxy.pid() !== pid, 'the proxy to be started again');
  await until(async () => {
    const call = await makeCall(stack, `without-${seen.length}`, true, 'words=5');
    if (call.finishedAs !== undefined) seen.push(call);
    return seen.length === 4;
  }, 'three calls without the database');
  await stack.database.start();
  const statuses = await assertAccountsEqualBill(stack, seen, []);
  assert.deepEqual(statuses, { completed: 4 });
});
