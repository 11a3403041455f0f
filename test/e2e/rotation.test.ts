import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { assertAccounts } from './accounts.ts';
import { call, kubectl, makeTenant, query, skip, startWorkload } from './cluster.ts';
import { endCalls, endless, startCalls, untilAnswered } from './jobs.ts';

suite('a rotation', { skip }, () => {
  test('during a stream of calls fails none of them, and new pods have the new credentials', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    const credentials = async (key: string) => {
      const path = `--output=jsonpath={.data.${key.replace('.', '\\.')}}`;
      const value = await kubectl('get', 'secret', `chaperone-${name}`, '--namespace', name, path);
      return Buffer.from(value, 'base64').toString();
    };
    const known = await credentials('database-url');
    const options = { prefix: name, pauseMs: 30, maxRetries: 0 };
    await startCalls(name, endless, { metadata: { session: '$SESSION', sandbox: 'latency=30' } }, options);
    await untilAnswered(name, 20);
    await kubectl('annotate', 'organization', name, `chaperone.dev/rotate=${new Date().toISOString()}`);
    await until(async () => (await credentials('database-url')) !== known, 'another password');
    assert.equal(Object.keys(JSON.parse(await credentials('data-keys.json')).keys).length, 2);
    assert.equal(JSON.parse(await credentials('jwks.json')).keys.length, 2);
    await untilAnswered(name, 20);
    const outcomes = await endCalls(name);
    assert.deepEqual(
      outcomes.filter(({ id }) => id === undefined),
      [],
    );
    await assertAccounts({ name, organizationId }, outcomes);

    await startWorkload(name);
    const { id } = await call(name, {});
    await until(async () => {
      const sql = 'select from chaperone.requests where organization_id = $1 and response_id = $2';
      return (await query(sql, [organizationId, id])).length === 1;
    }, 'a record by the new login');
  });
});
