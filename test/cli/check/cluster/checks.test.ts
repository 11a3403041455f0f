import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Finding, Gathered } from '../../../../cli/check/check.ts';
import { runChecks, Unreadable } from '../../../../cli/check/check.ts';
import type { ClusterFacts, ClusterPod } from '../../../../cli/check/cluster/facts.ts';
import { lacksPods } from '../../../../cli/check/cluster/gather-refusals.ts';
import { missingRightOf } from '../../../../cli/check/cluster/missing-right.ts';
import type { CustomResourceDefinition } from '../../../../cli/check/cluster/objects.ts';
import { clusterGroups, preGroups } from '../../../../cli/check/cluster/run.ts';
import { ApiError } from '../../../../operator/cluster/kubernetes/api-error.ts';
import { makeBinding, makeOrganization, makePersonaResource } from '../../../operator/memory-cluster.ts';
import {
  goodFacts,
  makeCredentials,
  makeDeployment,
  makeInjectedPod,
  makePod,
  makeWebhook,
  metaOf,
  namespace,
  nowMs,
  unreadable,
} from './facts.ts';

type Row = readonly [
  title: string,
  id: string,
  changes: Partial<Gathered<ClusterFacts>>,
  status: Finding['status'],
  says?: RegExp,
];

const definition = (spec: object, established = 'True'): CustomResourceDefinition => ({
  metadata: metaOf('personas.chaperone.dev'),
  spec,
  status: { conditions: [{ type: 'Established', status: established }] },
});
const version = { name: 'v1alpha1', served: true, schema: { properties: { spec: { maxLength: 5 } } } };
const older = { name: 'v1alpha1', served: true, schema: { properties: { spec: { maxLength: 4 } } } };
const expectedDefinitions = [definition({ versions: [{ ...version, selectableFields: [] }] })];
const leaseOf = (spec: object) => ({ metadata: metaOf('chaperone-operator'), spec });
const sidecar = { name: 'chaperone-proxy', ready: true };

function withCondition(type: string, status: 'True' | 'False', reason: string, message: string) {
  const condition = { type, status, reason, message, observedGeneration: 1, lastTransitionTime: '' };
  return makeOrganization('acme', {}, { status: { conditions: [condition] } });
}

/** Of the condition that says whether the database is limited. */
function withLimits(status: 'True' | 'False', reason: string, message: string) {
  return withCondition('DatabaseLimited', status, reason, message);
}

const withKey = (pod: ClusterPod): ClusterPod => ({
  ...pod,
  spec: { ...pod.spec, containers: [{ name: 'app', env: [{ name: 'OPENAI_API_KEY', value: 'chp_1' }] }] },
});
const acmeOfShop = makeOrganization(
  'acme',
  { namespaceSelector: { matchLabels: { team: 'shop' } } },
  { status: { id: '00000000-0000-4000-8000-000000000000', memberNamespaces: ['shop'] } },
);
const keyless = makeOrganization('acme', {}, { status: { boundKeys: 0, memberNamespaces: ['shop'] } });
const issuer = { ...makeBinding('shop/openai'), status: { syntheticKeyIssuedAt: '2026-06-01T00:00:00Z' } };
/** A pod whose application has its key from that Secret. @param startedAt of its container */
const withSyntheticKey = (startedAt: string): ClusterPod => {
  const valueFrom = { secretKeyRef: { name: 'openai-synthetic-key', key: 'api-key' } };
  const pod = makeInjectedPod({
    containerStatuses: [{ name: 'app', ready: true, state: { running: { startedAt } } }],
  });
  const containers = [{ name: 'app', env: [{ name: 'OPENAI_API_KEY', valueFrom }] }];
  return { ...pod, spec: { ...pod.spec, containers } };
};
const outage = withCondition('Ready', 'False', 'DatabaseUnavailable', 'The database cannot be used (ECONNREFUSED).');

const rows: readonly Row[] = [
  ['a database', 'database-available', {}, 'ok'],
  ['no database', 'database-available', { organizations: [outage] }, 'failed', /Organization acme.*ECONNREFUSED/],
  [
    'no database for an edit',
    'database-available',
    { personas: [{ ...makePersonaResource('web/support'), status: outage.status ?? {} }] },
    'failed',
    /Persona web\/support/,
  ],
  [
    'what waits for it',
    'organizations-ready',
    { organizations: [outage] },
    'failed',
    /nothing in them needs a correction/,
  ],
  [
    'an old Kubernetes',
    'kubernetes-version',
    { server: { version: 'v1.29.9', user: '', nowMs } },
    'failed',
    /v1\.29\.9/,
  ],
  ['the least Kubernetes', 'kubernetes-version', { server: { version: 'v1.30.0-eks-1', user: '', nowMs } }, 'ok'],
  ['a vendor without v', 'kubernetes-version', { server: { version: '1.31+', user: '', nowMs } }, 'ok'],
  ['an unreachable server', 'api-reachable', { server: unreadable }, 'failed', /you may not/],

  [
    'no path yet',
    'webhook-configurations',
    { webhooks: [makeWebhook({ path: '' })] },
    'failed',
    /do not know the path/,
  ],
  [
    'the path of what tells the audit log',
    'webhook-configurations',
    {
      webhooks: [
        makeWebhook({}),
        ...['validate', 'audit'].map((name) =>
          makeWebhook({ kind: 'ValidatingWebhookConfiguration', path: `/${name}/${'0'.repeat(64)}` }),
        ),
      ],
    },
    'ok',
  ],
  ["a former version's path", 'webhook-configurations', { webhooks: [makeWebhook({ path: '/mutate' })] }, 'failed'],
  ['pods as they should be', 'pods-admissible', { memberPods: [makePod(), makeInjectedPod({})] }, 'ok'],
  [
    'a pod that reads the credentials',
    'pods-admissible',
    {
      memberPods: [
        makePod({ labels: {}, spec: { volumes: [{ name: 'v', secret: { secretName: 'chaperone-acme' } }] } }),
      ],
    },
    'warning',
    /their replacements would be refused/,
  ],
  [
    'such a pod that has ended',
    'pods-admissible',
    {
      memberPods: [
        makePod({
          status: { phase: 'Succeeded' },
          spec: { volumes: [{ name: 'v', secret: { secretName: 'chaperone-acme' } }] },
        }),
      ],
    },
    'ok',
  ],
  [
    'no definitions',
    'definitions-established',
    { expectedDefinitions },
    'failed',
    /personas\.chaperone\.dev is not inst/,
  ],
  [
    'a definition not yet served',
    'definitions-established',
    { expectedDefinitions, definitions: [definition({}, 'False')] },
    'failed',
    /not served yet/,
  ],
  [
    'an older definition',
    'definitions-current',
    { expectedDefinitions, definitions: [definition({ versions: [older] })] },
    'failed',
    /spec\.versions\[0\]\.schema\.properties\.spec\.maxLength differs/,
  ],
  [
    'what API servers add and leave out',
    'definitions-current',
    { expectedDefinitions, definitions: [definition({ conversion: { strategy: 'None' }, versions: [version] })] },
    'ok',
  ],

  [
    'a definition that is being deleted',
    'definitions-established',
    {
      expectedDefinitions,
      definitions: [
        {
          ...definition({}),
          metadata: metaOf('personas.chaperone.dev', { deletionTimestamp: '2026-06-01T00:00:00Z' }),
        },
      ],
    },
    'failed',
    /is being deleted/,
  ],
  [
    'two operators',
    'operator-available',
    { deployments: [makeDeployment({}), makeDeployment({})] },
    'failed',
    /several operators/,
  ],
  [
    'a roll-out that is stuck',
    'operator-available',
    {
      deployments: [
        makeDeployment({
          status: {
            observedGeneration: 1,
            availableReplicas: 2,
            updatedReplicas: 1,
            conditions: [{ type: 'Progressing', status: 'False', message: 'it has timed out progressing.' }],
          },
        }),
      ],
    },
    'failed',
    /it has timed out progressing/,
  ],
  ['no operator to have a version', 'operator-version', { deployments: [] }, 'unknown'],
  ['no operator to say what new pods get', 'sidecars-current', { deployments: [] }, 'unknown', /there is no operator/],
  ['no operator', 'operator-available', { deployments: [] }, 'failed', /--namespace/],
  ['no replica', 'operator-available', { deployments: [makeDeployment({ status: {} })] }, 'failed', /None of 2/],
  [
    'too few replicas',
    'operator-available',
    { deployments: [makeDeployment({ status: { observedGeneration: 1, availableReplicas: 1, updatedReplicas: 2 } })] },
    'warning',
    /1 of 2/,
  ],
  [
    'a change of the Deployment that nobody has seen',
    'operator-available',
    { deployments: [makeDeployment({ status: { observedGeneration: 0, availableReplicas: 2, updatedReplicas: 2 } })] },
    'warning',
    /roll-out/,
  ],
  [
    'another tag',
    'operator-version',
    { deployments: [makeDeployment({ image: 'r:5000/c:v0.2.0' })] },
    'warning',
    /0\.2\.0/,
  ],
  [
    'a tag that is no version',
    'operator-version',
    { deployments: [makeDeployment({ image: 'c:dev-12' })] },
    'ok',
    /0\.1\.0 by the chart/,
  ],
  [
    'a digest of another version',
    'operator-version',
    { deployments: [makeDeployment({ image: 'c@sha256:12', version: '0.3.0' })] },
    'warning',
    /0\.3\.0/,
  ],
  ['no Lease', 'operator-leader', { lease: undefined }, 'failed', /No operator holds/],
  ['a released Lease', 'operator-leader', { lease: leaseOf({ holderIdentity: '' }) }, 'failed', /No operator holds/],
  [
    'an expired Lease',
    'operator-leader',
    { lease: leaseOf({ holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: '2026-05-31T23:59:40Z' }) },
    'failed',
    /one holds the Lease, but last renewed it/,
  ],

  ['no webhook', 'webhook-configurations', { webhooks: [] }, 'failed', /no pod gets a sidecar/],
  ['nothing that validates', 'webhook-configurations', { webhooks: [makeWebhook()] }, 'warning', /can run without one/],
  [
    'a guard that validates',
    'webhook-configurations',
    { webhooks: [makeWebhook()], guards: [{ name: 'guard', denies: true }] },
    'ok',
  ],
  [
    'a guard that nothing binds',
    'webhook-configurations',
    { guards: [{ name: 'guard', denies: false }] },
    'warning',
    /ValidatingAdmissionPolicy guard/,
  ],
  ['no webhook to have endpoints', 'webhook-endpoints', { webhooks: [] }, 'unknown'],
  ['no webhook to trust', 'webhook-trust', { webhooks: [] }, 'unknown'],
  ['no endpoints', 'webhook-endpoints', { endpoints: [] }, 'failed', /chaperone-webhook has no ready endpoint/],
  ['no certificate', 'webhook-certificate-expiry', {}, 'failed', /If you delete Secret chaperone-webhook-tls/],
  [
    'no certificate of somebody else',
    'webhook-certificate-expiry',
    { certificate: { secretName: 'mine', isOperatorMade: false, chain: '' } },
    'failed',
    /Renew the certificate in Secret chaperone-system\/mine/,
  ],

  ['nobody who would tell of the database', 'database-available', { organizations: [] }, 'unknown'],
  [
    'an organization without a key',
    'organizations-keyed',
    { organizations: [keyless] },
    'warning',
    /acme: it has no ApiKeyBinding/,
  ],
  [
    'an organization whose keys are not in force',
    'organizations-keyed',
    { organizations: [keyless], bindings: [makeBinding('shop/openai')] },
    'warning',
    /acme: none of 1 is in force/,
  ],
  [
    'an organization with a key',
    'organizations-keyed',
    { organizations: [{ ...keyless, status: { ...keyless.status, boundKeys: 1 } }] },
    'ok',
  ],
  [
    'a binding that is switched off',
    'bindings-ready',
    {
      bindings: [
        {
          ...makeBinding('shop/openai'),
          status: { ...withCondition('Ready', 'False', 'Inactive', 'Off.').status, observedGeneration: 1 },
        },
      ],
    },
    'ok',
    /1, 1 switched off/,
  ],
  [
    'a key that ends soon',
    'bindings-lasting',
    { bindings: [makeBinding('shop/openai', { expiresAt: '2026-06-05T00:00:00Z' })] },
    'warning',
    /shop\/openai: 2026-06-05/,
  ],
  [
    'a key that lasts, and one that has ended',
    'bindings-lasting',
    {
      bindings: ['2026-07-05T00:00:00Z', '2026-05-05T00:00:00Z'].map((expiresAt) =>
        makeBinding('shop/openai', { expiresAt }),
      ),
    },
    'ok',
  ],
  ['no organization', 'organizations-ready', { organizations: [] }, 'warning', /nothing is governed/],
  ['an organization that nobody has looked at', 'organizations-ready', {}, 'failed', /has not looked at it yet/],
  ['limits that nobody has set', 'database-limits', {}, 'warning', /acme: the operator has not limited/],
  ['limits that are there', 'database-limits', { organizations: [withLimits('True', 'Limited', 'None can.')] }, 'ok'],
  [
    'a server without limits',
    'database-limits',
    { organizations: [withLimits('False', 'ServerWithoutLimits', 'Set reserved_connections.')] },
    'warning',
    /acme: ServerWithoutLimits: Set reserved_connections\./,
  ],
  ['defaults of today', 'defaults-stated', {}, 'ok'],
  [
    'an organization of before',
    'defaults-stated',
    { organizations: [withCondition('DefaultsStated', 'False', 'FormerDefaults', 'State it.')] },
    'warning',
    /acme: State it\./,
  ],
  [
    'no credentials',
    'credentials',
    { organizationSecrets: [] },
    'failed',
    /namespace shop: there is no Secret chaperone-acme/,
  ],
  [
    'credentials that lack something',
    'credentials',
    { organizationSecrets: [makeCredentials(['organization.json', 'database-url', 'jwks.json'])] },
    'failed',
    /Secret chaperone-acme lacks data-keys\.json, namespace-keys\.json/,
  ],
  [
    "another organization's Secret",
    'credentials',
    { organizationSecrets: [makeCredentials(undefined, 'globex')] },
    'failed',
    /Secret chaperone-acme does not belong to this Organization/,
  ],
  [
    'sharing that nobody has declared',
    'defaults-stated',
    { organizations: [withCondition('SharingDeclared', 'False', 'SharingUndeclared', 'State spec.sharing.')] },
    'warning',
    /acme: State spec\.sharing/,
  ],
  [
    'a persona that will serve less',
    'defaults-stated',
    {
      personas: [
        {
          ...makePersonaResource('shop/support'),
          status: withCondition('Consent', 'False', 'SharingUndeclared', 'It serves all.').status ?? {},
        },
      ],
    },
    'warning',
    /shop\/support: It serves all/,
  ],
  ['no member', 'credentials', { namespaces: [] }, 'warning', /No namespace/],
  [
    'Secrets that one may not list, of a namespace that has its own',
    'credentials',
    { organizationSecrets: undefined, organizations: [acmeOfShop] },
    'ok',
    /1, as the operator reports/,
  ],
  [
    'Secrets that one may not list, of a namespace that has none',
    'credentials',
    { organizationSecrets: undefined },
    'failed',
    /the operator reports no Secret chaperone-acme/,
  ],
  ['unreadable Secrets', 'credentials', { organizationSecrets: unreadable }, 'failed', /you may not/],

  ['a pod without its sidecar', 'pods-governed', { pods: [makePod()] }, 'failed', /shop\/web/],
  ['a pod that is done', 'pods-governed', { pods: [makePod({ status: { phase: 'Succeeded' } })] }, 'ok'],
  [
    'a pod that opted out of what its namespace asked for',
    'pods-governed',
    {
      pods: [makePod({ labels: { 'chaperone.dev/inject': 'false' } })],
      namespaces: [{ metadata: metaOf('shop', { labels: { 'chaperone.dev/inject': 'true' } }) }],
    },
    'ok',
  ],
  [
    'a pod whose namespace asked',
    'pods-governed',
    {
      pods: [makePod({ labels: {} })],
      namespaces: [{ metadata: metaOf('shop', { labels: { 'chaperone.dev/inject': 'true' } }) }],
    },
    'failed',
    /UNGOVERNED/,
  ],
  [
    'a pod of its node',
    'pods-governed',
    { pods: [makePod({ spec: { hostNetwork: true } })] },
    'warning',
    /hostNetwork/,
  ],
  ['a sidecar without a status', 'sidecars-ready', { pods: [makeInjectedPod(undefined)] }, 'failed', /not ready yet/],
  [
    'a sidecar that is ready',
    'sidecars-ready',
    { pods: [makeInjectedPod({ initContainerStatuses: [sidecar] })] },
    'ok',
  ],
  [
    'a sidecar that restarts',
    'sidecars-ready',
    { pods: [makeInjectedPod({ initContainerStatuses: [{ ...sidecar, ready: false, restartCount: 4 }] })] },
    'failed',
    /restarted 4 times/,
  ],
  [
    'an older sidecar',
    'sidecars-current',
    { pods: [makeInjectedPod(undefined)], organizations: [acmeOfShop] },
    'warning',
    /shop\/web/,
  ],
  ['no key', 'pods-keyed', { pods: [makeInjectedPod(undefined)] }, 'warning', /shop\/web.*rollout restart/],
  [
    'a key from before the present one',
    'pods-keyed',
    { pods: [withSyntheticKey('2026-05-31T00:00:00Z')], bindings: [issuer] },
    'failed',
    /shop\/web, container app: the key in Secret openai-synthetic-key was replaced after it started/,
  ],
  ['the present key', 'pods-keyed', { pods: [withSyntheticKey('2026-06-01T00:00:02Z')], bindings: [issuer] }, 'ok'],
  [
    'a key whose binding is gone',
    'pods-keyed',
    { pods: [withSyntheticKey('2026-06-01T00:00:02Z')] },
    'failed',
    /ApiKeyBinding openai, which issued its key, is deleted/,
  ],
  ['pods that are let in', 'pods-admitted', {}, 'ok'],
  [
    'pods that are refused',
    'pods-admitted',
    { refusals: [{ kind: 'ReplicaSet', namespace: 'shop', name: 'web-1', message: 'NoOrganization: label it' }] },
    'failed',
    /ReplicaSet shop\/web-1: NoOrganization: label it/,
  ],
  ['a key of its own', 'pods-keyed', { pods: [withKey(makeInjectedPod(undefined))] }, 'ok'],
  ['its own', 'pods-belong', { pods: [makeInjectedPod(undefined)], organizations: [acmeOfShop] }, 'ok'],
  [
    'a namespace whose label is gone',
    'pods-belong',
    { pods: [makeInjectedPod(undefined)], organizations: [acmeOfShop], namespaces: [{ metadata: metaOf('shop') }] },
    'failed',
    /shop\/web.*NoOrganization.*before you restart them/,
  ],
  ['no overlap', 'namespaces-exclusive', {}, 'ok'],
  [
    'an overlap',
    'namespaces-exclusive',
    { organizations: [withCondition('NamespacesExclusive', 'False', 'SelectorsOverlap', '"shop" is globex\'s.')] },
    'warning',
    /acme.*globex's/,
  ],
  [
    'an operator of another version, whose sidecars are not known',
    'sidecars-current',
    { pods: [makeInjectedPod(undefined)], deployments: [makeDeployment({ image: 'c:0.2.0' })] },
    'unknown',
  ],
  [
    'an operator of another version that tells of outdated sidecars',
    'sidecars-current',
    {
      organizations: [withCondition('SidecarsCurrent', 'False', 'Outdated', '3, of Deployment shop/web (3).')],
      deployments: [makeDeployment({ image: 'c:0.2.0' })],
    },
    'warning',
    /acme: 3, of Deployment shop/,
  ],
  [
    'an operator of another version that tells of none',
    'sidecars-current',
    {
      organizations: [withCondition('SidecarsCurrent', 'True', 'Current', 'All.')],
      deployments: [makeDeployment({ image: 'c:0.2.0' })],
    },
    'ok',
    /the operator reports so/,
  ],
  [
    'a roll-out that is stuck, of sidecars that are as they should be',
    'sidecars-current',
    { organizations: [withCondition('SidecarsCurrent', 'False', 'RolloutStuck', 'Deployment shop/web is stuck.')] },
    'warning',
    /web is stuck/,
  ],
];

describe('checks of a cluster', () => {
  for (const [title, id, changes, status, says = /./] of rows) {
    test(`${id}: ${title}`, () => {
      const finding = decide(id, { ...goodFacts, ...changes });
      assert.equal(finding.status, status, JSON.stringify(finding));
      assert.match(JSON.stringify(finding), says);
    });
  }

  test('each hint names the namespace that the operator is in', () => {
    const finding = decide('operator-leader', { ...goodFacts, lease: undefined, namespace: 'elsewhere' });
    assert(finding.status === 'failed' && finding.hint.includes('-n elsewhere'));
    assert(!finding.hint.includes(namespace));
  });

  test('nothing else is reported where the server does not answer', () => {
    const results = runChecks(clusterGroups, { ...goodFacts, server: unreadable });
    assert.deepEqual(
      results.flatMap(({ checks }) => checks.map(({ id }) => id)),
      ['api-reachable'],
    );
  });
});

describe('facts that the user may not read', () => {
  const missingRight = 'list pods in the whole cluster';
  const forbidden = new Unreadable('Pods', 'pods is forbidden', { missingRight });

  test('are reported in one line, and are no failure', () => {
    const finding = decide('sidecars-ready', { ...goodFacts, pods: forbidden });
    assert.deepEqual(finding, { status: 'unknown', message: 'you may not list pods in the whole cluster' });
  });

  test('are a failure where something else cannot be read, too', () => {
    const finding = decide('pods-belong', { ...goodFacts, pods: forbidden, namespaces: unreadable });
    assert.equal(finding.status, 'failed');
  });

  test('stop no other check', () => {
    const results = runChecks(clusterGroups, { ...goodFacts, definitions: forbidden });
    assert.ok(results.flatMap(({ checks }) => checks).length > 20);
  });

  for (const [message, expected] of [
    [
      'deployments.apps is forbidden: User "ada" cannot list resource "deployments" in API group "apps" in the namespace "chaperone-system"',
      'list deployments.apps in namespace chaperone-system',
    ],
    [
      'pods is forbidden: User "ada" cannot list resource "pods" in API group "" at the cluster scope',
      'list pods in the whole cluster',
    ],
    ['no', 'no'],
  ] as const) {
    test(`are recognized by: ${message}`, () => {
      assert.equal(missingRightOf(new ApiError(403, 'Forbidden', message)), expected);
    });
  }
  test('are no missing right where the request failed otherwise', () => {
    assert.equal(missingRightOf(new ApiError(500, 'InternalError', 'cannot list resource "pods"')), undefined);
    assert.equal(missingRightOf(new Error('ECONNREFUSED')), undefined);
  });
});

describe('a controller', () => {
  for (const [kind, controller, expected] of [
    ['ReplicaSet', { spec: { replicas: 2 }, status: { replicas: 1 } }, true],
    ['ReplicaSet', { spec: { replicas: 2 }, status: { replicas: 2 } }, false],
    ['StatefulSet', { spec: {}, status: {} }, true],
    ['DaemonSet', { status: { desiredNumberScheduled: 3, currentNumberScheduled: 2 } }, true],
    ['DaemonSet', { status: { desiredNumberScheduled: 3, currentNumberScheduled: 3 } }, false],
    ['Job', { spec: {}, status: {} }, true],
    ['Job', { spec: { suspend: true }, status: {} }, false],
    ['Job', { spec: {}, status: { active: 1 } }, false],
    ['Job', { spec: {}, status: { conditions: [{ type: 'Complete', status: 'True' }] } }, false],
  ] as const) {
    test(`${kind} ${JSON.stringify(controller)} ${expected ? 'lacks pods' : 'has its pods'}`, () => {
      assert.equal(lacksPods(kind, { metadata: metaOf('web'), ...controller }), expected);
    });
  }
});

describe('checks before an install', () => {
  const leftover = { ...definition({ versions: [version] }), metadata: metaOf('gadgets.chaperone.dev') };
  for (const [title, definitions, missingRights, statuses] of [
    ['a fresh cluster', [], [], ['ok', 'ok', 'ok']],
    ["this version's definitions", expectedDefinitions, [], ['ok', 'ok', 'ok']],
    ["an older version's", [definition({ versions: [older] })], [], ['ok', 'ok', 'failed']],
    ['a kind that this version does not have', [leftover], [], ['ok', 'ok', 'failed']],
    ['missing rights', [], ['services in namespace x'], ['failed', 'ok', 'ok']],
  ] as const) {
    test(title, () => {
      const { server } = goodFacts;
      const results = runChecks(preGroups, {
        ...{ server, expectedDefinitions, definitions, missingRights },
        ...{ memberships: [], memberPods: [], images: [{ image: 'chaperone:0.1.0', nodes: 1, present: 1 }] },
      });
      assert.deepEqual(
        results.at(-1)?.checks.map(({ finding }) => finding.status),
        statuses,
      );
    });
  }
});

function decide(id: string, facts: Gathered<ClusterFacts>): Finding {
  const check = clusterGroups.flatMap((group) => group.checks).find((candidate) => candidate.id === id);
  assert(check);
  return check.decide(facts);
}
