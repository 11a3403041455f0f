import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customKinds, tenantKinds } from '../../../crds/definition.ts';
import type { OwnedRow } from '../../../database/owned-rows.ts';
import { cachedKinds, forKinds, kinds } from '../../../operator/cluster/kinds.ts';
import { collectionPath, namespacedPath } from '../../../operator/cluster/kubernetes/resources.ts';

test('every kind of ours is in the registry, as in its definition', () => {
  for (const kind of customKinds) {
    const { apiVersion, reads, writes } = kinds[kind];
    assert.deepEqual(
      { apiVersion, reads, writes },
      {
        apiVersion: 'chaperone.dev/v1alpha1',
        reads: ['whole'],
        writes: ['status', 'finalizers'],
      },
    );
  }
  assert.equal(kinds.Organization.scope, 'Cluster');
  assert.ok(tenantKinds.every((kind) => kinds[kind].scope === 'Namespaced'));
});

test('all kinds except Pod are in the cache', () => {
  assert.deepEqual([...cachedKinds, 'Pod'].sort(), Object.keys(kinds).sort());
  assert.deepEqual(Object.keys(forKinds((kind) => kind)).sort(), cachedKinds.toSorted());
});

test('paths have the group of the kind', () => {
  assert.equal(collectionPath('Persona'), '/apis/chaperone.dev/v1alpha1/personas');
  assert.equal(namespacedPath('Persona', 'web'), '/apis/chaperone.dev/v1alpha1/namespaces/web/personas');
  assert.equal(namespacedPath('Organization', ''), '/apis/chaperone.dev/v1alpha1/organizations');
  assert.equal(namespacedPath('Secret', 'web'), '/api/v1/namespaces/web/secrets');
  assert.equal(collectionPath('Pod'), '/api/v1/pods');
});

// Otherwise the rows of a kind without a resource would stay in force.
test('orphaned rows are looked for in every kind that belongs to an Organization', () => {
  const listed: { readonly [K in OwnedRow['kind']]: true } = {
    Persona: true,
    ApiKeyBinding: true,
    AnalysisConfig: true,
  };
  assert.deepEqual(Object.keys(listed).sort(), tenantKinds.toSorted());
});
