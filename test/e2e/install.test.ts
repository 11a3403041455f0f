import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { getJson, helm, kubectl, operatorNamespace, skip } from './cluster.ts';

suite('the installation that cluster:up made', { skip }, () => {
  test('is a release of the chart, with every pod ready', async () => {
    const release = JSON.parse(await helm('status', 'chaperone', '--namespace', operatorNamespace, '--output=json'));
    assert.equal(release.info.status, 'deployed');
    const { items } = await getJson<{ items: Deployment[] }>('deployments', '--namespace', operatorNamespace);
    const replicas = items.map(({ metadata, status }) => [metadata.name, status.readyReplicas]);
    assert.deepEqual(Object.fromEntries(replicas), { chaperone: 2, 'chaperone-sandbox': 1, 'chaperone-worker': 2 });
  });

  test('has every object of the quickstart ready', async (t) => {
    for (const kind of ['organizations', 'personas', 'apikeybindings', 'analysisconfigs']) {
      const table = await kubectl('get', kind, '--namespace', 'default');
      t.diagnostic(`\n${table}`);
      const [head = '', ...rows] = table.split('\n');
      const ready = head.split(/ {2,}/).indexOf('READY');
      assert.ok(ready > 0, head);
      assert.ok(rows.length > 0);
      for (const row of rows.filter((line) => /^(acme|support|finance|openai)/.test(line))) {
        assert.equal(row.split(/ {2,}/)[ready], 'True', row);
      }
    }
  });

  test('has the rights that it needs: no request is forbidden', async () => {
    const log = await kubectl(
      'logs',
      '--namespace',
      operatorNamespace,
      'deployment/chaperone',
      '--all-pods',
      '--tail=-1',
    );
    // RBAC's words. In a namespace that is being deleted, writes are forbidden, too, and that is no missing right.
    assert.doesNotMatch(log, /forbidden: User|cannot \w+ (?:resource|path)/i);
  });

  test('can be installed again without a change', async () => {
    const generation = () =>
      kubectl('get', 'deploy', 'chaperone', '-n', operatorNamespace, '-o', 'jsonpath={.metadata.generation}');
    const bundles = () =>
      kubectl(
        ...['get', 'mutatingwebhookconfigurations', '-l', 'app.kubernetes.io/name=chaperone'],
        '-o=jsonpath={.items[*].webhooks[*].clientConfig.caBundle}',
      );
    const before = { generation: await generation(), bundles: await bundles() };
    assert.notEqual(before.bundles, '', 'no certificate authority is published');
    await helm('upgrade', 'chaperone', 'charts/chaperone', '-n', operatorNamespace, '--reuse-values', '--wait');
    assert.deepEqual({ generation: await generation(), bundles: await bundles() }, before);
  });
});

interface Deployment {
  readonly metadata: { readonly name: string };
  readonly status: { readonly readyReplicas?: number };
}
