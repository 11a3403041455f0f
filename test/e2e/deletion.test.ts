import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { call, kubectl, makeTenant, operatorNamespace, query, skip, startWorkload } from './cluster.ts';

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
      await kubectl('delete', 'organization', name, '--timeout=180s');
      const left = await records();
      assert.deepEqual(left, kept === 1 ? [{ response_id: id }] : []);
      const list = ['get', 'secrets', '--all-namespaces', `--selector=chaperone.dev/organization=${name}`];
      const columns = '--output=jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}';
      const secrets = (await kubectl(...list, columns))
        .split('\n')
        .filter((secret) => secret.includes(`/chaperone-${name}`));
      // What is kept can be read by nobody without the data keys, so the operator keeps those too.
      const keys = [`chaperone-${name}`, `chaperone-${name}-signing-keys`];
      const wanted = deletionPolicy === 'Retain' ? keys.map((secret) => `${operatorNamespace}/${secret}`) : [];
      assert.deepEqual(secrets.sort(), wanted);
      if (wanted.length > 0) await kubectl('delete', 'secrets', '--namespace', operatorNamespace, ...keys);
    });
  }
});
