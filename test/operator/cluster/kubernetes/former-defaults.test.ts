import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutFormerDefaults } from '../../../../operator/cluster/kubernetes/former-defaults.ts';
import { makeOrganization } from '../../memory-cluster.ts';

const acme = makeOrganization('acme');
const owned = { 'f:spec': { 'f:authentication': { '.': {}, 'f:defaultRoles': {} } } };
const notes = { 'f:metadata': { 'f:annotations': { 'f:kubectl.kubernetes.io/last-applied-configuration': {} } } };
const others = { 'f:spec': { 'f:authentication': { 'f:requireUser': {} } } };
const manifest = (spec: object) => ({ 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec }) });

function rolesOf(metadata: object, defaultRoles: ('admin' | 'member')[] = ['admin']) {
  const { spec } = acme;
  return withoutFormerDefaults({
    ...acme,
    metadata: { ...acme.metadata, resourceVersion: '1', ...metadata },
    spec: { ...spec, authentication: { ...spec.authentication, defaultRoles } },
  }).spec.authentication.defaultRoles;
}

const table: readonly (readonly [what: string, metadata: object, isStated: boolean])[] = [
  ['the server applied a manifest that states it', { managedFields: [{ manager: 'flux', fieldsV1: owned }] }, true],
  ['the server applied one that does not', { managedFields: [{ manager: 'flux', fieldsV1: others }] }, false],
  [
    'kubectl applied one that states it',
    {
      annotations: manifest({ authentication: { defaultRoles: ['admin'] } }),
      managedFields: [{ manager: 'argocd-controller', fieldsV1: { ...owned, ...notes } }],
    },
    true,
  ],
  [
    'kubectl applied one that does not',
    { annotations: manifest({}), managedFields: [{ manager: 'argocd-controller', fieldsV1: { ...owned, ...notes } }] },
    false,
  ],
  [
    'kubectl applied one that does not, and somebody has patched it since',
    {
      annotations: manifest({}),
      managedFields: [
        { manager: 'kubectl-client-side-apply', fieldsV1: { ...others, ...notes } },
        { manager: 'kubectl-patch', fieldsV1: owned },
      ],
    },
    true,
  ],
  ['it was created, so nobody can tell', { managedFields: [{ manager: 'kubectl-create', fieldsV1: owned }] }, true],
  ['the annotation is no JSON', { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{' } }, false],
];

for (const [what, metadata, isStated] of table) {
  test(`[admin] is ${isStated ? 'stated' : 'what the former schema filled in'}: ${what}`, () => {
    assert.deepEqual(rolesOf(metadata), isStated ? ['admin'] : undefined);
  });
}

test('any other roles are stated', () => {
  assert.deepEqual(rolesOf({}, ['member']), ['member']);
  assert.deepEqual(rolesOf({}, ['member', 'admin']), ['member', 'admin']);
});
