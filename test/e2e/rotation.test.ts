import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { assertAccounts } from './accounts.ts';
import { call, kubectl, makeTenant, query, skip, startWorkload } from './cluster.ts';
import { readCalls, startCalls, untilComplete } from './jobs.ts';

const calls = 150;

suite('a rotation', { skip }, () => {
  test('under a stream of calls fails none of them, and pods that start then have what is new', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    const credentials = async (key: string) => {
      const path = `--output=jsonpath={.data.${key.replace('.', '\\.')}}`;
      const value = await kubectl('get', 'secret', `chaperone-${name}`, '--namespace', name, path);
      return Buffer.from(value, 'base64').toString();
    };
    const known = await credentials('database-url');
    const options = { prefix: name, pauseMs: 30, maxRetries: 0 };
    await startCalls(name, calls, { metadata: { session: '$SESSION', sandbox: 'latency=30' } }, options);
    await until(async () => (await readCalls(name)).length >= 20, 'calls to be under way', 60_000);
    await kubectl('annotate', 'organization', name, `chaperone.dev/rotate=${new Date().toISOString()}`);
    await until(async () => (await credentials('database-url')) !== known, 'another password');
    assert.equal(Object.keys(JSON.parse(await credentials('data-keys.json')).keys).length, 2);
    assert.equal(JSON.parse(await credentials('jwks.json')).keys.length, 2);
    assert.ok((await readCalls(name)).length < calls, 'the calls ended before the rotation');
    await untilComplete(name);
    const outcomes = await readCalls(name);
    assert.deepEqual([outcomes.length, outcomes.filter(({ id }) => id === undefined)], [calls, []]);
    await assertAccounts({ name, organizationId }, outcomes);

    await startWorkload(name);
    const { id } = await call(name, {});
    await until(async () => {
      const sql = 'select from chaperone.requests where organization_id = $1 and response_id = $2';
      return (await query(sql, [organizationId, id])).length === 1;
    }, 'a record by the new login');
  });
});
