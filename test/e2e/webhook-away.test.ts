import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { apply, call, kubectl, makeTenant, operatorNamespace, podTemplate, skip, startWorkload } from './cluster.ts';

const operator = ['deployment/chaperone', '--namespace', operatorNamespace];

suite('while no operator answers', { skip }, () => {
  test('pods that ask for the proxy are refused, others start, and those that run go on', async (t) => {
    const { name } = await makeTenant(t);
    await startWorkload(name);
    t.after(async () => {
      await kubectl('scale', ...operator, '--replicas=2');
      await kubectl('rollout', 'status', ...operator, '--timeout=60s');
    });
    await kubectl('scale', ...operator, '--replicas=0');
    const labels = ['app.kubernetes.io/name=chaperone', 'app.kubernetes.io/component=operator'].join(',');
    await kubectl('wait', '-n', operatorNamespace, '--for=delete', 'pod', `--selector=${labels}`, '--timeout=60s');

    const template = podTemplate(['-e', '']);
    const pod = (podName: string, podLabels: object) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name: podName, labels: podLabels },
      spec: template.spec,
    });
    await assert.rejects(
      apply(name, pod('asking', template.metadata.labels)),
      /failed calling webhook "pod\.inject\.chaperone\.dev"/,
    );
    await apply(name, pod('not-asking', {}));
    assert.ok((await call(name, {})).id, 'a running proxy needs no operator');
  });
});
