import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestsOf } from '../../../database/data-key-digests.ts';
import { generateDataKeys } from '../../../database/envelope.ts';
import type { Secret } from '../../../operator/cluster/cluster.ts';
import type { OrganizationCredentials } from '../../../operator/credentials.ts';
import { isCredentialsOf, isSigningKeysOf } from '../../../operator/organizations/ownership.ts';
import { recoverCredentials } from '../../../operator/organizations/recover.ts';
import { judgeSharedSecret } from '../../../operator/organizations/shared-secret.ts';
import { makeSecret } from '../memory-cluster.ts';

const identity = { name: 'acme', uid: 'uid', organizationId: 'id' };
const owner = { 'chaperone.dev/owner-uid': 'uid' };
const another = { 'chaperone.dev/owner-uid': 'another' };
const named = { 'chaperone.dev/organization': 'acme' };

function secretOf(labels: Readonly<Record<string, string>>, data: Readonly<Record<string, string | Buffer>>): Secret {
  const secret = makeSecret('chaperone-system/any');
  const values = Object.entries(data).map(([key, value]) => [key, Buffer.from(value)] as const);
  return { ...secret, metadata: { ...secret.metadata, labels: { ...labels } }, data: Object.fromEntries(values) };
}

const organizationJson = (value: unknown) => ({ 'organization.json': JSON.stringify(value) });

const credentialsCases: readonly [what: string, secret: Secret, isOwn: boolean][] = [
  ['labelled with the uid, whatever is in it', secretOf(owner, {}), true],
  ['labelled with nothing, with the id in it', secretOf(named, organizationJson({ id: 'id' })), true],
  ['labelled with another uid, with the id in it', secretOf(another, organizationJson({ id: 'id' })), true],
  ['labelled with the name alone', secretOf(named, {}), false],
  ['labelled with the name, with another id in it', secretOf(named, organizationJson({ id: 'other' })), false],
  ['with nothing in the place of the organization', secretOf(named, organizationJson(null)), false],
  ['with no JSON in the place of the organization', secretOf(named, { 'organization.json': '{' }), false],
];
for (const [what, secret, isOwn] of credentialsCases) {
  test(`a Secret ${what} ${isOwn ? 'is' : 'is not'} the organization’s credentials`, () => {
    assert.equal(isCredentialsOf(secret, identity), isOwn);
  });
}

const keys = { 'keys.json': JSON.stringify({ keys: [{ kty: 'OKP', kid: 'k1' }] }) };
const signingCases: readonly [what: string, secret: Secret, accepted: string[], isStored: boolean, isOwn: boolean][] = [
  ['labelled with the uid', secretOf(owner, {}), [], false, true],
  [
    'of an organization applied again, with an accepted key',
    secretOf({ ...named, ...another }, keys),
    ['k1'],
    true,
    true,
  ],
  [
    'of an organization applied again, with no accepted key',
    secretOf({ ...named, ...another }, keys),
    ['k2'],
    true,
    false,
  ],
  ['of an older release', secretOf(named, keys), [], true, true],
  ['that was there before the Organization', secretOf(named, keys), [], false, false],
  ['of another organization', secretOf({ 'chaperone.dev/organization': 'globex' }, keys), ['k1'], true, false],
  ['without keys', secretOf(named, { 'organization.json': '{}' }), [], true, false],
];
for (const [what, secret, accepted, isStored, isOwn] of signingCases) {
  test(`a Secret ${what} ${isOwn ? 'has' : 'does not have'} the organization’s signing keys`, () => {
    assert.equal(isSigningKeysOf(secret, identity, accepted, isStored), isOwn);
  });
}

const right = 'correct horse';
const inForce = { keys: [{ kty: 'oct', kid: 'shared-secret', k: Buffer.from(right).toString('base64url') }] };
const permission = { 'chaperone.dev/shared-secret-of': 'acme' };
const sharedCases: readonly [what: string, secret: Secret | undefined, state: string][] = [
  ['none', undefined, 'missing'],
  ['one without the key', secretOf(permission, { other: 'x' }), 'missing'],
  ['an empty one', secretOf(permission, { key: '' }), 'missing'],
  ['one that is labelled', secretOf(permission, { key: 'new' }), 'permitted'],
  [
    'one that is labelled for another',
    secretOf({ 'chaperone.dev/shared-secret-of': 'globex' }, { key: 'new' }),
    'not permitted',
  ],
  ['one without the label', secretOf({}, { key: 'new' }), 'not permitted'],
  ['one without the label that is in force', secretOf({}, { key: right }), 'in force'],
  ['one that the operator made', secretOf({ ...permission, ...owner }, { key: right }), 'not permitted'],
  [
    'one that an older operator made',
    secretOf({ 'app.kubernetes.io/managed-by': 'chaperone' }, { key: right }),
    'not permitted',
  ],
];
for (const [what, secret, state] of sharedCases) {
  test(`of a shared secret that is ${what}: ${state}`, () => {
    const credentials = { ...copyOf(generateDataKeys()), jwks: inForce };
    assert.equal(judgeSharedSecret(secret, 'key', 'acme', credentials).state, state);
  });
}

test('a shared secret is used byte for byte, text or not', () => {
  const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28]);
  const judged = judgeSharedSecret(secretOf(permission, { key: bytes }), 'key', 'acme', undefined);
  assert.deepEqual(judged, { state: 'permitted', value: bytes.toString('base64url') });
});

function copyOf(dataKeys: OrganizationCredentials['dataKeys']): OrganizationCredentials {
  return {
    organization: { id: 'id', name: 'acme' },
    databaseUrl: 'postgres://role:password@db/chaperone',
    jwks: { keys: [{ kty: 'OKP', kid: 'forged' }] },
    dataKeys,
    loginIssuedAtS: 5,
    serviceAccounts: { issuer: 'https://mallory', jwks: { keys: [] }, audience: 'a', namespaces: [] },
  };
}

describe('the recovery of lost credentials from copies', () => {
  const first = generateDataKeys();
  const second = generateDataKeys();
  const both = { current: second.current, keys: { ...first.keys, ...second.keys }, issuedAtS: { [second.current]: 7 } };
  const forged = generateDataKeys();
  const digests = digestsOf(both);

  test('accepts nothing where the database has no digest of them', () => {
    assert.equal(recoverCredentials([copyOf(both)], []), undefined);
    assert.equal(recoverCredentials([copyOf(forged)], digests), undefined);
    assert.equal(recoverCredentials([], digests), undefined);
  });

  test('accepts only the proven data keys and the login, wherever they are', () => {
    const mixed = { current: forged.current, keys: { ...forged.keys, ...first.keys } };
    assert.deepEqual(recoverCredentials([copyOf(forged), copyOf(mixed), copyOf(both)], digests), {
      organization: { id: 'id', name: 'acme' },
      databaseUrl: 'postgres://role:password@db/chaperone',
      jwks: { keys: [] },
      dataKeys: {
        current: second.current,
        keys: both.keys,
        issuedAtS: { [second.current]: 7 },
        usedFromS: {},
      },
      loginIssuedAtS: 0,
    });
  });

  test('refuses a right key under a wrong id, and impossible times', () => {
    const [base64 = ''] = Object.values(first.keys);
    const odd = JSON.parse(
      JSON.stringify({
        current: 'x',
        keys: { x: 7, '../y': base64, ...first.keys },
        issuedAtS: { [first.current]: 'soon' },
      }),
    );
    assert.deepEqual(recoverCredentials([copyOf(odd)], digests)?.dataKeys, {
      current: first.current,
      keys: { [first.current]: base64 },
      issuedAtS: {},
      usedFromS: {},
    });
  });
});
