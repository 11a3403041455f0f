import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { userIdOf } from '../../../../../database/ids.ts';
import { makeIdentify } from '../../../../../proxy/calls/identify/identify.ts';
import { openRevocations } from '../../../../../proxy/snapshot/revocations.ts';
import { makeSnapshot, organizationId } from '../../../snapshot.ts';
import { authenticatorOf } from './authenticator.ts';

const issuer = 'https://kubernetes.default.svc';
const nowS = Math.floor(Date.now() / 1_000);

const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
const jwk: JWK = { ...(await exportJWK(publicKey)), kid: 'cluster', alg: 'RS256', use: 'sig' };
const foreign = await generateKeyPair('RS256');

const claims = {
  ...{ iss: issuer, aud: ['chaperone.dev'], sub: 'system:serviceaccount:shop:web', exp: nowS + 600 },
  'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'web', uid: 'u' }, pod: { name: 'web-1', uid: 'p' } },
};

function sign(changes: object = {}, key = privateKey): Promise<string> {
  return new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'RS256', kid: 'cluster' }).sign(key);
}

const serviceAccounts = { issuer, jwks: { keys: [jwk] }, audience: 'chaperone.dev', namespaces: ['shop', 'web'] };
const { authenticate } = authenticatorOf({ jwks: { keys: [] }, serviceAccounts });
const ask = async (token: string) => authenticate({ authorization: `Bearer ${token}` }, makeSnapshot());

describe('a token of a service account', () => {
  test('is the account, unless it names a user', async () => {
    const identity = await ask(await sign());
    const identify = makeIdentify(organizationId);
    assert.equal(identify(identity, {}, makeSnapshot()).user, 'system:serviceaccount:shop:web');
    assert.equal(identify(identity, { 'x-user-id': 'ada' }, makeSnapshot()).user, 'ada');
  });

  test('is accepted where the clocks are apart by less than the leeway', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: nowS * 1_000 });
    assert.ok(await ask(await sign({ exp: nowS - 5, nbf: nowS + 25 })));
  });

  test('is revoked by the name of the account', async () => {
    const subject = userIdOf(organizationId, 'system:serviceaccount:shop:web');
    const revocation = { kind: 'user', subject, issued_before_ms: nowS * 1_000, expires_at_ms: null } as const;
    const snapshot = makeSnapshot({ revocations: openRevocations([revocation]) });
    const headers = async (iat: number) => ({ authorization: `Bearer ${await sign({ iat })}` });
    const [before, after] = [await headers(nowS - 1), await headers(nowS)];
    await assert.rejects(async () => authenticate(before, snapshot), { code: 'invalid_credentials' });
    assert.ok(await authenticate(after, snapshot));
  });

  const refused: readonly (readonly [title: string, token: () => Promise<string>])[] = [
    [
      'of a namespace that is no member',
      () =>
        sign({
          sub: 'system:serviceaccount:bank:web',
          'kubernetes.io': { namespace: 'bank', serviceaccount: { name: 'web' } },
        }),
    ],
    ['whose subject is another account than its claims say', () => sign({ sub: 'system:serviceaccount:shop:admin' })],
    ['whose subject is another namespace than its claims say', () => sign({ sub: 'system:serviceaccount:bank:web' })],
    ['without the claims of Kubernetes', () => sign({ 'kubernetes.io': undefined })],
    ['with claims that are none', () => sign({ 'kubernetes.io': { namespace: ['shop'], serviceaccount: 'web' } })],
    ['for the API server', () => sign({ aud: [issuer] })],
    ['for nobody', () => sign({ aud: undefined })],
    ['that has no end', () => sign({ exp: undefined })],
    ['that has ended', () => sign({ exp: nowS - 31 })],
    ['that is not valid yet', () => sign({ nbf: nowS + 60 })],
    ['of another cluster', () => sign({ iss: 'https://elsewhere.example.com' })],
    ['signed by somebody else', () => sign({}, foreign.privateKey)],
  ];
  for (const [title, token] of refused) {
    test(`is refused ${title}`, async () => {
      await assert.rejects(async () => ask(await token()), { code: 'invalid_credentials' });
    });
  }

  test('is refused where the organization accepts none', async () => {
    const without = authenticatorOf({ jwks: { keys: [jwk] } });
    const headers = { authorization: `Bearer ${await sign()}` };
    await assert.rejects(async () => without.authenticate(headers, makeSnapshot()), { code: 'invalid_credentials' });
  });
});
