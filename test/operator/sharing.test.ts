import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiKeyBinding, Organization } from '../../crds/resources.generated.ts';
import { decideReach } from '../../operator/sharing.ts';
import { makeBinding, makeOrganization, makePersonaResource } from './memory-cluster.ts';

type Sharing = NonNullable<Organization['spec']['sharing']>;

const everything = ['ApiKeyBinding', 'Persona', 'AnalysisConfig'] as const satisfies Sharing[number]['resources'];

function acme(sharing: Sharing | undefined, rules: 'Declared' | 'Former' = 'Declared'): Organization {
  return makeOrganization('acme', sharing && { sharing }, { status: { sharing: rules } });
}

const binding = makeBinding('platform/key');
const ofCeo = makeBinding('platform/ceo', { user: 'ceo@acme.example' });
const persona = makePersonaResource('platform/support');

const cases: readonly (readonly [string, Sharing | undefined, ApiKeyBinding | typeof persona, string])[] = [
  ['nothing is stated', undefined, binding, 'platform NotNeeded'],
  ['nothing is stated', undefined, ofCeo, 'nobody ConsentMissing'],
  ['nothing is stated', undefined, persona, 'platform NotNeeded'],
  ['the namespace is named', [{ namespace: 'platform', resources: [...everything] }], binding, 'all Given'],
  ['the namespace is named', [{ namespace: 'platform', resources: [...everything] }], persona, 'all Given'],
  ['no user is named', [{ namespace: 'platform', resources: [...everything] }], ofCeo, 'nobody ConsentMissing'],
  ['another namespace is named', [{ namespace: 'shop', resources: [...everything] }], binding, 'platform NotNeeded'],
  ['another kind is named', [{ namespace: 'platform', resources: ['Persona'] }], binding, 'platform NotNeeded'],
  ['the kind is named', [{ namespace: 'platform', resources: ['Persona'] }], persona, 'all Given'],
  ['every user is named', [{ namespace: 'platform', resources: ['ApiKeyBinding'], users: ['*'] }], ofCeo, 'all Given'],
  [
    'users like it are named',
    [{ namespace: 'platform', resources: ['ApiKeyBinding'], users: ['bob', '*@acme.example'] }],
    ofCeo,
    'all Given',
  ],
  [
    'other users are named',
    [{ namespace: 'platform', resources: ['ApiKeyBinding'], users: ['ceo', '*@globex.example'] }],
    ofCeo,
    'nobody ConsentMissing',
  ],
];
for (const [where, sharing, object, expected] of cases) {
  test(`where ${where}, ${object.kind} ${object.metadata.name} serves ${expected}`, () => {
    const { servesNamespace, refusal, consent } = decideReach(object, acme(sharing));
    assert.equal(`${refusal ? 'nobody' : (servesNamespace ?? 'all')} ${consent.reason}`, expected);
    assert.equal(consent.status, refusal === undefined);
  });
}

test('a missing consent says what to add, and where', () => {
  const { refusal, consent } = decideReach(ofCeo, acme([]));
  const addition =
    /Organization "acme" does not let namespace "platform" .*"ceo@acme\.example"\. Add \{namespace: platform, resources: \[ApiKeyBinding\], users: \["ceo@acme\.example"\]\} to its spec\.sharing/;
  assert.match(consent.message, addition);
  assert.match(refusal?.message ?? '', addition);
});

test('an object from before spec.sharing serves everyone, and says what will change', () => {
  for (const [object, end] of [
    [binding, /sets spec\.sharing without \{namespace: platform.*serve only the pods of namespace "platform"/],
    [ofCeo, /without \{namespace: platform, .*users: \["ceo@acme\.example"\]\}, it will not be in force/],
  ] as const) {
    for (const organization of [acme(undefined, 'Former'), makeOrganization('acme')]) {
      const { servesNamespace, refusal, consent } = decideReach(object, organization);
      assert.deepEqual([servesNamespace, refusal, consent.status], [null, undefined, false]);
      assert.equal(consent.reason, 'SharingUndeclared');
      assert.match(consent.message, end);
    }
  }
});
