import { Unreadable } from '../../../../cli/check/check.ts';
import type { ClusterFacts, ClusterPod, InstalledWebhook } from '../../../../cli/check/cluster/facts.ts';
import type { Deployment, Meta, MetaOnly } from '../../../../cli/check/cluster/objects.ts';
import { filesOfProxies } from '../../../../operator/credentials.ts';
import { hashAnnotation, sidecarName } from '../../../../operator/injection/marks.ts';
import { makeOrganization } from '../../../operator/memory-cluster.ts';

export const nowMs = Date.parse('2026-06-01T00:00:00Z');
export const namespace = 'chaperone-system';

export function metaOf(name: string, changes: Partial<Meta> = {}): Meta {
  return { name, uid: `uid of ${name}`, resourceVersion: '1', generation: 1, creationTimestamp: '', ...changes };
}

export function makeDeployment(changes: {
  readonly image?: string;
  readonly version?: string;
  readonly args?: readonly string[];
  readonly status?: Deployment['status'];
}): Deployment {
  const { image = 'chaperone:0.1.0', version = '0.1.0', args = [] } = changes;
  return {
    metadata: metaOf('chaperone', { labels: { 'app.kubernetes.io/version': version } }),
    spec: { replicas: 2, template: { spec: { containers: [{ name: 'operator', image, args }] } } },
    status: changes.status ?? { observedGeneration: 1, availableReplicas: 2, updatedReplicas: 2 },
  };
}

export function makeWebhook(changes: Partial<InstalledWebhook> = {}): InstalledWebhook {
  return {
    kind: 'MutatingWebhookConfiguration',
    configuration: 'chaperone',
    name: 'inject.chaperone.dev',
    service: 'chaperone-webhook',
    path: `/mutate/${'0'.repeat(64)}`,
    bundle: '',
    ...changes,
  };
}

/** A pod of the namespace `shop` that asks for a sidecar and has none. */
export function makePod(
  changes: {
    readonly spec?: object;
    readonly labels?: Record<string, string>;
    readonly status?: ClusterPod['status'];
  } = {},
): ClusterPod {
  return {
    metadata: { name: 'web', namespace: 'shop', labels: changes.labels ?? { 'chaperone.dev/inject': 'true' } },
    spec: { containers: [{ name: 'app' }], ...changes.spec },
    ...(changes.status && { status: changes.status }),
  };
}

export function makeInjectedPod(status: ClusterPod['status']): ClusterPod {
  const pod = makePod({ spec: { initContainers: [{ name: sidecarName, restartPolicy: 'Always' }] } });
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { [hashAnnotation]: 'an older one' } },
    ...(status && { status }),
  };
}

/** The metadata of a Secret with an organization's credentials. @param keys that somebody has written */
export function makeCredentials(keys: readonly string[] = filesOfProxies, organization = 'acme'): MetaOnly {
  const data = Object.fromEntries(keys.map((key) => [`f:${key}`, {}]));
  return {
    metadata: metaOf('chaperone-acme', {
      namespace: 'shop',
      labels: { 'chaperone.dev/organization': organization },
      managedFields: [{ fieldsV1: { 'f:data': data } }, {}],
    }),
  };
}

/** An installation without a pod; its certificates are told of elsewhere. */
export const goodFacts: ClusterFacts = {
  server: { version: 'v1.33.1', user: 'admin', nowMs },
  ownVersion: '0.1.0',
  namespace,
  scope: undefined,
  expectedDefinitions: [],
  definitions: [],
  deployments: [makeDeployment({})],
  lease: {
    metadata: metaOf('chaperone-operator'),
    spec: { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: new Date(nowMs - 14_000).toISOString() },
  },
  webhooks: [makeWebhook(), makeWebhook({ kind: 'ValidatingWebhookConfiguration' })],
  guards: [],
  endpoints: [
    {
      metadata: metaOf('chaperone-webhook-1', { labels: { 'kubernetes.io/service-name': 'chaperone-webhook' } }),
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
    },
  ],
  certificate: { secretName: 'chaperone-webhook-tls', isOperatorMade: true, chain: '' },
  organizations: [makeOrganization('acme', { namespaceSelector: { matchLabels: { team: 'shop' } } })],
  personas: [],
  bindings: [],
  analysisConfigs: [],
  namespaces: [{ metadata: metaOf('shop', { labels: { team: 'shop' } }) }],
  organizationSecrets: [makeCredentials()],
  pods: [],
  refusals: [],
  memberships: [makeOrganization('acme', { namespaceSelector: { matchLabels: { team: 'shop' } } })],
  memberPods: [],
};

export const unreadable = new Unreadable('It', 'you may not');
