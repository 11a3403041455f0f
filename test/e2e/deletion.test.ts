import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { call, kubectl, makeTenant, query, skip, startWorkload } from './cluster.ts';

suite('a deleted Organization', { skip, concurrency: 2 }, () => {
  for (const [deletionPolicy, kept] of [
    ['Delete', 0],
    ['Retain', 1],
  ] as const) {
    test(`leaves ${kept} of its records under deletionPolicy ${deletionPolicy}, and no credentials`, async (t) => {
      const { name, organizationId } = await makeTenant(t, { deletionPolicy });
      await startWorkload(name);
      const { id } = await call(name, {});
      const records = () =>
        query<{ response_id: string }>('select response_id from chaperone.requests where organization_id = $1', [
          organizationId,
        ]);
      await until(async () => (await records()).length === 1, 'the record');
      await kubectl('delete', 'deployment', 'workload', '--namespace', name, '--wait');
      await kubectl('delete', 'organization', name, '--timeout=30s');
      const left = await records();
      assert.deepEqual(left, kept === 1 ? [{ response_id: id }] : []);
      const selector = `--selector=chaperone.dev/organization=${name}`;
      const secrets = ['secrets', '--all-namespaces', selector, '--output=name'];
      const credentials = (await kubectl('get', ...secrets)).split('\n').filter((line) => line.includes(name));
      assert.deepEqual(credentials, []);
    });
  }
});
