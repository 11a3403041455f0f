import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseInstallation, type Installation, type InstallationOptions } from '../../cli/installation.ts';

const cluster = { kind: 'cluster', namespace: 'chaperone-system' } as const;
const inPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1' };

const chosen: readonly (readonly [InstallationOptions, NodeJS.ProcessEnv, Installation])[] = [
  [{ data: 'elsewhere' }, inPod, { kind: 'local', data: 'elsewhere' }],
  [{}, { KUBECONFIG: '/etc/kubeconfig' }, cluster],
  [{}, inPod, cluster],
  [{ namespace: 'governance' }, {}, { ...cluster, namespace: 'governance' }],
  [{ kubeconfig: 'mine', context: 'prod' }, {}, { ...cluster, kubeconfig: 'mine', context: 'prod' }],
];
for (const [options, environment, expected] of chosen) {
  test(`${JSON.stringify(options)} in ${JSON.stringify(environment)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(chooseInstallation(options, environment, import.meta.dirname), expected);
  });
}

test('a directory and a kubeconfig cannot both be named', () => {
  for (const other of [{ kubeconfig: 'mine' }, { context: 'prod' }, { namespace: 'governance' }]) {
    assert.throws(
      () => chooseInstallation({ data: '.chaperone', ...other }, {}),
      /^Error: --data names a `chaperone up`/,
    );
  }
});
