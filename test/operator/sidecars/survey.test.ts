import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { currentSidecar } from '../../../operator/injection/current.ts';
import { decideInjection } from '../../../operator/injection/decide.ts';
import type { PodMeta, PodNamespace } from '../../../operator/injection/pod.ts';
import { type InjectedPod, surveySidecars } from '../../../operator/sidecars/survey.ts';
import { applyPatch, gathered, organization, pod, settings } from '../injection/pods.ts';

const shop: PodNamespace = { name: 'shop', labels: { team: 'acme' } };
const organizations = [organization('acme'), organization('umbrella')];

const ownedBy = (kind: string, name: string): PodMeta => ({
  ownerReferences: [{ apiVersion: 'v1', kind, name, uid: 'uid', controller: true }],
});
const ofDeployment = (name: string): PodMeta => ({
  ...ownedBy('ReplicaSet', `${name}-5d4f`),
  labels: { 'pod-template-hash': '5d4f', app: name },
});

/** A pod as the webhook made it: with these annotations, and then perhaps with a stamp of another time. */
function injected(name: string, metadata: PodMeta, isOutdated: boolean): InjectedPod {
  const current = currentSidecar({ ...metadata, name }, shop, organizations, settings);
  const stamp = { 'chaperone.dev/injected-hash': isOutdated ? 'of-yesterday' : 'hash' in current ? current.hash : '' };
  return { ...metadata, name, namespace: 'shop', annotations: { ...metadata.annotations, ...stamp } };
}

function survey(pods: readonly InjectedPod[], namespaces: readonly PodNamespace[] = [shop]) {
  const namespaceOf = (name: string) => namespaces.find((namespace) => namespace.name === name);
  return surveySidecars({ pods, organizations, namespaceOf }, settings);
}

describe('a survey', () => {
  test('counts pods by namespace, and names the workloads of outdated ones', () => {
    const acme = survey([
      injected('web-1', ofDeployment('web'), true),
      injected('web-2', ofDeployment('web'), true),
      injected('web-3', ofDeployment('web'), false),
      injected('report-1', ownedBy('Job', 'report-29383200'), true),
      injected('shell', {}, true),
    ]).get('acme');
    assert.deepEqual(acme?.pods, new Map([['shop', { current: 1, outdated: 4 }]]));
    assert.deepEqual(
      acme?.outdated.map(({ kind, namespace, name, pods }) => ({ kind, namespace, name, pods })),
      [
        { kind: 'CronJob', namespace: 'shop', name: 'report', pods: 1 },
        { kind: 'Deployment', namespace: 'shop', name: 'web', pods: 2 },
        { kind: 'Pod', namespace: 'shop', name: 'shell', pods: 1 },
      ],
    );
  });

  test('counts no pod that the webhook injects now as outdated', () => {
    for (const asked of [
      pod(),
      pod({ annotations: { 'chaperone.dev/cpu-limit': '2' } }),
      pod({ spec: { terminationGracePeriodSeconds: 90 } }),
    ]) {
      const decision = decideInjection(gathered(asked), settings);
      assert(decision.action === 'inject');
      const { metadata } = applyPatch(asked, decision.patch);
      const acme = survey([{ ...metadata, name: 'web', namespace: 'shop' }]).get('acme');
      assert.deepEqual(acme?.outdated, [], JSON.stringify(asked));
    }
  });

  test('leaves out pods that end, and pods of unknown namespaces or of no organization', () => {
    const web = injected('web-1', ofDeployment('web'), true);
    assert.equal(survey([{ ...web, deletionTimestamp: '2026-01-01T00:00:00Z' }]).size, 0);
    assert.equal(survey([{ ...web, namespace: 'gone' }]).size, 0);
    assert.equal(survey([web], [{ name: 'shop', labels: { team: 'nobody' } }]).size, 0);
  });

  test('counts each organization by itself', () => {
    const everyone = { name: 'shop', labels: { team: 'everyone' } };
    const annotations = { 'chaperone.dev/organization': 'umbrella' };
    const surveys = survey([injected('web-1', { ...ofDeployment('web'), annotations }, true)], [everyone]);
    assert.deepEqual([...surveys.keys()], ['umbrella']);
  });
});
