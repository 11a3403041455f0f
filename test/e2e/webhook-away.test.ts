import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';
import {
  apply,
  call,
  helm,
  kubectl,
  makeTenant,
  operatorNamespace,
  podTemplate,
  skip,
  startWorkload,
} from './cluster.ts';

const operator = ['deployment/chaperone', '--namespace', operatorNamespace];

suite('while no operator answers', { skip }, () => {
  test('pods that ask for the proxy are refused, others start, and running ones continue', async (t) => {
    const { name } = await makeTenant(t);
    await startWorkload(name);
    await withoutOperators(async () => {
      await assert.rejects(
        apply(name, makePod('asking', { 'chaperone.dev/inject': 'true' })),
        /failed calling webhook "pod\.inject\.chaperone\.dev"/,
      );
      await apply(name, makePod('not-asking', {}));
      assert.ok((await call(name, {})).id, 'a running proxy needs no operator');
    });
  });

  test('pods that ask for the proxy are refused even where failures of the webhooks are ignored', async (t) => {
    const { name } = await makeTenant(t);
    const setPolicy = (policy: string) => {
      const values = `webhook.failurePolicy=${policy},webhook.validation.failurePolicy=${policy}`;
      const flags = ['--namespace', operatorNamespace, '--reuse-values', '--set', values];
      return helm('upgrade', 'chaperone', 'charts/chaperone', ...flags);
    };
    atEnd(t, () => setPolicy('Fail'));
    await setPolicy('Ignore');
    await withoutOperators(async () => {
      await assert.rejects(
        apply(name, makePod('asking', { 'chaperone.dev/inject': 'true' })),
        /asks for Chaperone's proxy .* and has none/,
      );
      await apply(name, makePod('not-asking', {}));
      await kubectl('label', 'namespace', name, 'chaperone.dev/inject=true');
      // An API server lets pods in until its own cache has the label.
      const pod = makePod('of-asking-namespace', {});
      const refusal = await until(async () => {
        const told = await apply(name, pod).catch(String);
        if (/created/.test(told)) await kubectl('delete', 'pod', 'of-asking-namespace', '-n', name);
        return /Error/.test(told) && told;
      }, 'the pod to be refused');
      assert.match(refusal, /asks for Chaperone's proxy .* and has none/);
      await apply(name, makePod('opted-out', { 'chaperone.dev/inject': 'false' }));
    });
  });
});

/** In the test's body, as they must be back before anything can be cleaned up. */
async function withoutOperators(show: () => Promise<void>): Promise<void> {
  await kubectl('scale', ...operator, '--replicas=0');
  try {
    const labels = ['app.kubernetes.io/name=chaperone', 'app.kubernetes.io/component=operator'].join(',');
    await kubectl('wait', '-n', operatorNamespace, '--for=delete', 'pod', `--selector=${labels}`, '--timeout=180s');
    await show();
  } finally {
    await kubectl('scale', ...operator, '--replicas=2');
    await kubectl('rollout', 'status', ...operator, '--timeout=180s');
  }
}

function makePod(name: string, labels: Readonly<Record<string, string>>): object {
  const { metadata, spec } = podTemplate(['-e', '']);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name, labels }, spec };
}
