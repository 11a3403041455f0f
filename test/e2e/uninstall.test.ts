import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { run } from '../../scripts/cluster/run.ts';
import { repository } from '../../scripts/cluster/target.ts';
import { kubectl, operatorNamespace, skip } from './cluster.ts';

/** Whatever a release makes outside its namespace, by its label. */
const clusterKinds = [
  'clusterroles',
  'clusterrolebindings',
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'customresourcedefinitions',
];

const runScript = (name: string) => run(process.execPath, [join(repository, 'scripts', name)]);

suite('cluster:down', { skip }, () => {
  test('leaves nothing of the product, and cluster:up brings all of it back', async () => {
    await runScript('cluster-down.ts');
    try {
      const find = (...args: string[]) => kubectl('get', ...args, '--output=name');
      for (const kind of clusterKinds) {
        assert.equal(await find(kind, '--selector=app.kubernetes.io/part-of=chaperone'), '', kind);
      }
      assert.equal(await find('namespace', operatorNamespace, '--ignore-not-found'), '');
      assert.equal(await find('secrets', '--all-namespaces', '--selector=app.kubernetes.io/managed-by=chaperone'), '');
      assert.equal(
        await find('networkpolicies', '--all-namespaces', '--selector=app.kubernetes.io/part-of=chaperone'),
        '',
      );
    } finally {
      await runScript('cluster-up.ts');
    }
    await kubectl('wait', '--for=condition=Ready', 'organization/acme', '--timeout=180s');
  });
});
