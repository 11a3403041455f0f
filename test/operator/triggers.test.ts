import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change, Kind } from '../../operator/cluster/cluster.ts';
import { makeTriggers } from '../../operator/triggers.ts';
import {
  keyOf,
  makeBinding,
  makeMemoryCluster,
  makeMeta,
  makeOrganization,
  makePersonaResource,
  makeSecret,
} from './memory-cluster.ts';

const acme = makeOrganization(
  'acme',
  {
    namespaceSelector: { matchLabels: { org: 'acme' } },
    authentication: {
      tokenLifetime: '1h',
      leeway: '30s',
      requireUser: true,
      defaultRoles: ['admin'],
      sharedSecretRef: { name: 'legacy', key: 'secret' },
      accounts: [{ user: 'ann', passwordHashRef: { name: 'people', key: 'ann' } }],
    },
    webhooks: [{ name: 'a', url: 'https://a.example', secretRef: { name: 'hook', key: 'secret' }, active: true }],
  },
  { status: { id: 'id', memberNamespaces: ['web', 'left'] } },
);
const other = makeOrganization('other', { namespaceSelector: { matchLabels: { org: 'other' } } });

const objects = {
  Organization: [acme, other],
  Namespace: [
    { apiVersion: 'v1' as const, kind: 'Namespace' as const, metadata: makeMeta('web', { labels: { org: 'acme' } }) },
    { apiVersion: 'v1' as const, kind: 'Namespace' as const, metadata: makeMeta('new', { labels: { org: 'acme' } }) },
    { apiVersion: 'v1' as const, kind: 'Namespace' as const, metadata: makeMeta('left', { labels: {} }) },
    { apiVersion: 'v1' as const, kind: 'Namespace' as const, metadata: makeMeta('leaving', { labels: {} }) },
  ],
  // Of `leaving`, the status does not tell yet.
  Secret: ['web', 'leaving'].map((namespace) => makeSecret(`${namespace}/chaperone-acme`)),
  Persona: [
    makePersonaResource('web/support', { contentFrom: { configMapKeyRef: { name: 'texts', key: 'support' } } }),
    makePersonaResource('web/inline', { content: 'Be kind.' }),
    makePersonaResource('api/theirs', {
      organizationRef: { name: 'other' },
      contentFrom: { configMapKeyRef: { name: 'texts', key: 'x' } },
    }),
  ],
  ApiKeyBinding: [makeBinding('web/key'), makeBinding('api/key', { organizationRef: { name: 'other' } })],
};

/** What is reconciled after these changes, in order of its name. */
function reconciledAfter(among: typeof objects, ...changed: (readonly [Kind, string, Change?])[]): string[] {
  const reconciled: string[] = [];
  const trigger = makeTriggers(makeMemoryCluster(among), 'chaperone-system', {
    organization: (name) => reconciled.push(`Organization ${name}`),
    counts: (name) => reconciled.push(`counts of ${name}`),
    tenant: (kind, path) => reconciled.push(`${kind} ${path}`),
    tenantLater: (kind, path) => reconciled.push(`${kind} ${path}`),
  });
  for (const [kind, path, change = 'foreign'] of changed) {
    reconciled.length = 0;
    trigger(keyOf(kind, path), change);
  }
  return [...new Set(reconciled)].sort();
}

const resourcesOfAcme = ['ApiKeyBinding web/key', 'Persona web/inline', 'Persona web/support'];

const cases: readonly (readonly [Kind, string, readonly string[]])[] = [
  ['Organization', 'acme', ['Organization acme', ...resourcesOfAcme]],
  ['Organization', 'gone', ['Organization gone']],
  ['Persona', 'web/support', ['Persona web/support']],
  ['Persona', 'web/gone', ['Persona web/gone']],
  ['AnalysisConfig', 'web/triage', ['AnalysisConfig web/triage']],
  ['ApiKeyBinding', 'web/key', ['ApiKeyBinding web/key', 'counts of acme']],
  ['Namespace', 'web', resourcesOfAcme],
  ['Namespace', 'new', ['Organization acme']],
  ['Namespace', 'left', ['Organization acme']],
  ['Namespace', 'leaving', ['Organization acme']],
  ['Namespace', 'unrelated', []],
  ['Namespace', 'api', ['ApiKeyBinding api/key', 'Persona api/theirs']],
  ['ConfigMap', 'web/texts', ['Persona web/support']],
  ['ConfigMap', 'api/texts', ['Persona api/theirs']],
  ['ConfigMap', 'web/other', []],
  ['Secret', 'web/openai-key', ['ApiKeyBinding web/key', 'counts of acme']],
  ['Secret', 'web/key-synthetic-key', ['ApiKeyBinding web/key']],
  ['Secret', 'web/unrelated', []],
  ['Secret', 'web/chaperone-acme', ['Organization acme']],
  ['Secret', 'chaperone-system/chaperone-acme', ['Organization acme', ...resourcesOfAcme]],
  // It has what the namespaces' keys are derived from.
  ['Secret', 'chaperone-system/chaperone-acme-signing-keys', ['Organization acme', ...resourcesOfAcme]],
  ['Secret', 'chaperone-system/legacy', ['Organization acme']],
  ['Secret', 'web/legacy', []],
  ['Secret', 'chaperone-system/hook', ['Organization acme']],
  ['Secret', 'chaperone-system/people', ['Organization acme']],
];
for (const [kind, path, expected] of cases) {
  test(`a change of ${kind} ${path} causes reconciling: ${expected.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(reconciledAfter(objects, [kind, path]), expected.toSorted());
  });
}

test('an Organization’s resources are not reconciled while nothing that they depend on changes', () => {
  assert.deepEqual(reconciledAfter(objects, ['Organization', 'acme'], ['Organization', 'acme']), ['Organization acme']);
});

test('a binding that changes or is deleted wakes those that it holds back', () => {
  const competing = {
    type: 'Ready',
    status: 'False',
    reason: 'Competing',
    message: '',
    lastTransitionTime: '',
  } as const;
  const bindings = [
    makeBinding('web/key', { models: ['gpt-*'] }),
    makeBinding('web/same', { models: ['gpt-4o'] }),
    makeBinding('web/disjoint', { models: ['o3'] }),
    makeBinding('web/user', { user: 'ada' }),
    makeBinding('new/elsewhere'),
    makeBinding('new/in-force', { provider: 'local' }),
    { ...makeBinding('new/held-back', { provider: 'local' }), status: { conditions: [competing] } },
  ];
  const cluster = { ...objects, ApiKeyBinding: bindings };
  const woken = [
    'ApiKeyBinding new/held-back',
    'ApiKeyBinding new/in-force',
    'ApiKeyBinding web/key',
    'ApiKeyBinding web/same',
    'counts of acme',
  ];
  assert.deepEqual(reconciledAfter(cluster, ['ApiKeyBinding', 'web/key']), woken);
  assert.deepEqual(reconciledAfter(cluster, ['ApiKeyBinding', 'web/gone']), [
    'ApiKeyBinding new/held-back',
    'ApiKeyBinding new/in-force',
    'ApiKeyBinding web/gone',
  ]);
});

const ownWrites: typeof cases = [
  ['Persona', 'web/support', []],
  ['ApiKeyBinding', 'web/key', []],
  ['Secret', 'web/key-synthetic-key', []],
  ['Secret', 'web/chaperone-acme', []],
  // Others depend on these.
  ['Organization', 'acme', resourcesOfAcme],
  ['Secret', 'chaperone-system/chaperone-acme', resourcesOfAcme],
];
for (const [kind, path, expected] of ownWrites) {
  test(`the operator’s own write of ${kind} ${path} causes reconciling: ${expected.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(reconciledAfter(objects, [kind, path, 'own']), expected.toSorted());
  });
}

test('what somebody has changed goes before what may depend on an Organization', () => {
  const [soon, later]: [string[], string[]] = [[], []];
  const trigger = makeTriggers(makeMemoryCluster(objects), 'chaperone-system', {
    organization: () => {},
    counts: () => {},
    tenant: (_, path) => soon.push(path),
    tenantLater: (_, path) => later.push(path),
  });
  trigger(keyOf('Organization', 'acme'), 'foreign');
  assert.deepEqual([soon, later.sort()], [[], ['web/inline', 'web/key', 'web/support']]);
  trigger(keyOf('Persona', 'web/inline'), 'foreign');
  assert.deepEqual(soon, ['web/inline']);
  trigger(keyOf('Namespace', 'web'), 'foreign');
  assert.equal(soon.includes('web/key'), true, 'as where a namespace has left its organization');
});
