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
    },
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
  ],
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
function reconciledAfter(...changed: (readonly [Kind, string, Change?])[]): string[] {
  const reconciled: string[] = [];
  const trigger = makeTriggers(makeMemoryCluster(objects), 'chaperone-system', {
    organization: (name) => reconciled.push(`Organization ${name}`),
    counts: (name) => reconciled.push(`counts of ${name}`),
    tenant: (kind, path) => reconciled.push(`${kind} ${path}`),
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
  ['Namespace', 'unrelated', []],
  ['Namespace', 'api', ['ApiKeyBinding api/key', 'Persona api/theirs']],
  ['ConfigMap', 'web/texts', ['Persona web/support']],
  ['ConfigMap', 'api/texts', ['Persona api/theirs']],
  ['ConfigMap', 'web/other', []],
  ['Secret', 'web/openai-key', ['ApiKeyBinding web/key']],
  ['Secret', 'web/key-synthetic-key', ['ApiKeyBinding web/key']],
  ['Secret', 'web/unrelated', []],
  ['Secret', 'web/chaperone-acme', ['Organization acme']],
  ['Secret', 'chaperone-system/chaperone-acme', ['Organization acme', ...resourcesOfAcme]],
  ['Secret', 'chaperone-system/chaperone-acme-signing-keys', ['Organization acme']],
  ['Secret', 'chaperone-system/legacy', ['Organization acme']],
  ['Secret', 'web/legacy', []],
];
for (const [kind, path, expected] of cases) {
  test(`a change of ${kind} ${path} has ${expected.join(', ') || 'nothing'} reconciled`, () => {
    assert.deepEqual(reconciledAfter([kind, path]), expected.toSorted());
  });
}

test('an Organization’s resources are left alone while nothing that they depend on changes', () => {
  assert.deepEqual(reconciledAfter(['Organization', 'acme'], ['Organization', 'acme']), ['Organization acme']);
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
  test(`the operator’s own write of ${kind} ${path} has ${expected.join(', ') || 'nothing'} reconciled`, () => {
    assert.deepEqual(reconciledAfter([kind, path, 'own']), expected.toSorted());
  });
}
