import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { ConfigRevocation } from '../../../../database/config.ts';
import { userIdOf } from '../../../../database/ids.ts';
import type { Identity } from '../../../../proxy/calls/call.ts';
import { openRevocations } from '../../../../proxy/snapshot/revocations.ts';
import { makeSnapshot, organizationId } from '../../snapshot.ts';
import { authenticatorOf } from './tokens/authenticator.ts';

const otherOrganization = '0c6f4ad9-3b7f-4f0c-8d4e-2f5a9a1f6c22';
const nowS = Math.floor(Date.now() / 1_000);
/** What is valid for some seconds must be so however long the machine takes. */
const holdClock = (t: TestContext) => t.mock.timers.enable({ apis: ['Date'], now: nowS * 1_000 });
const own = { iss: 'chaperone', aud: organizationId, sub: 'ada', exp: nowS + 600 };
const sharedSecret = 'a shared secret of forty characters or so';

interface Signer {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
  readonly alg: string;
}

async function makeSigner(alg: string, kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicKey, alg, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

const ed = await makeSigner('EdDSA', 'ed');
const es = await makeSigner('ES256', 'es');
const rs = await makeSigner('RS256', 'rs');
const foreign = await makeSigner('EdDSA', 'ed');
const idp = await makeSigner('RS256', 'idp');
const sharedJwk: JWK = {
  kty: 'oct',
  k: Buffer.from(sharedSecret).toString('base64url'),
  alg: 'HS256',
  kid: 'shared-secret',
};
const more = await Promise.all(
  ['ES384', 'ES512', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => makeSigner(alg, alg.toLowerCase())),
);
const second = await makeSigner('EdDSA', 'second');
/** Without an algorithm of its own: whichever its type can. */
const anyRsa = await makeSigner('RS512', 'any');
const { alg: _, ...anyRsaJwk } = anyRsa.jwk;
const publicKeys = [ed.jwk, es.jwk, rs.jwk, ...more.map(({ jwk }) => jwk), second.jwk, anyRsaJwk];

function sign({ privateKey, alg, jwk }: Signer, claims: object, header: object = {}): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg, kid: jwk.kid ?? '', ...header }).sign(privateKey);
}

function signWithoutKid({ privateKey, alg }: Signer, claims: object): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg }).sign(privateKey);
}

/** A token put together by hand, as no library would. */
function forge(header: object, claims: object, secret: string | undefined): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = secret === undefined ? '' : createHmac('sha256', secret).update(signed).digest('base64url');
  return `${signed}.${signature}`;
}

let idpUrl = '';
const idpServer = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [idp.jwk] }));
});
before(async () => {
  await new Promise<void>((resolve) => idpServer.listen(0, '127.0.0.1', resolve));
  idpUrl = `http://127.0.0.1:${(idpServer.address() as AddressInfo).port}`;
});
after(() => {
  idpServer.closeAllConnections();
  idpServer.close();
});

const issuerClaims = () => ({
  iss: idpUrl,
  aud: 'chaperone-acme',
  email: 'ada@example.com',
  sub: '4711',
  exp: nowS + 600,
});

function makeOurs({ shared = false } = {}) {
  const issuer = { issuer: idpUrl, audiences: ['chaperone-acme'], jwksUri: `${idpUrl}/keys`, userClaim: 'email' };
  return authenticatorOf({ jwks: { keys: shared ? [...publicKeys, sharedJwk] : publicKeys }, issuers: [issuer] });
}

async function authenticate(token: string, options: { shared?: boolean } = {}): Promise<Identity> {
  return makeOurs(options).authenticate({ authorization: `Bearer ${token}` }, makeSnapshot());
}

type Row = readonly [what: string, token: () => string | Promise<string>, options?: { shared: boolean }];

const user = (name: string | undefined, ...roles: string[]): Identity => ({ user: name, roles });

describe('a token is accepted', () => {
  const accepted: readonly (readonly [...Row, Identity])[] = [
    ['signed with Ed25519', () => sign(ed, own), { shared: false }, user('ada')],
    ['signed with ES256', () => sign(es, own), { shared: false }, user('ada')],
    ['signed with RS256', () => sign(rs, own), { shared: false }, user('ada')],
    ...more.map(
      (signer) => [`signed with ${signer.alg}`, () => sign(signer, own), { shared: false }, user('ada')] as const,
    ),
    ['signed by a key without an algorithm', () => sign(anyRsa, own), { shared: false }, user('ada')],
    ['without the id of its key', () => signWithoutKid(ed, own), { shared: false }, user('ada')],
    [
      'without the id of its key, the second of its kind',
      () => signWithoutKid(second, own),
      { shared: false },
      user('ada'),
    ],
    ['that has just expired', () => sign(ed, { ...own, exp: nowS - 5 }), { shared: false }, user('ada')],
    ['that is valid in a moment', () => sign(ed, { ...own, nbf: nowS + 25 }), { shared: false }, user('ada')],
    [
      'of an issuer, valid in a moment',
      () => sign(idp, { ...issuerClaims(), nbf: nowS + 25 }),
      { shared: false },
      user('ada@example.com'),
    ],
    [
      'of the shared secret, valid in a moment',
      () => forge({ alg: 'HS256' }, { ...own, nbf: nowS + 25 }, sharedSecret),
      { shared: true },
      user('ada'),
    ],
    [
      'of an issuer that has verified the address',
      () => sign(idp, { ...issuerClaims(), email_verified: true }),
      { shared: false },
      user('ada@example.com'),
    ],
    [
      'with roles',
      () => sign(ed, { ...own, roles: ['admin', 7, 'member'] }),
      { shared: false },
      user('ada', 'admin', 'member'),
    ],
    [
      'with roles that are no list',
      () => sign(ed, { ...own, roles: 'admin' }),
      { shared: false },
      user('ada', 'member'),
    ],
    ['with an empty list of roles', () => sign(ed, { ...own, roles: [] }), { shared: false }, user('ada', 'member')],
    ['with roles that are no names', () => sign(ed, { ...own, roles: [7] }), { shared: false }, user('ada', 'member')],
    ['of the organization itself', () => sign(ed, { ...own, sub: organizationId }), { shared: false }, user(undefined)],
    ['for several audiences', () => sign(ed, { ...own, aud: ['x', organizationId] }), { shared: false }, user('ada')],
    ['of an issuer', () => sign(idp, issuerClaims()), { shared: false }, user('ada@example.com')],
    [
      'of the shared secret',
      () => forge({ alg: 'HS256' }, { sub: 'ada', exp: nowS + 600 }, sharedSecret),
      { shared: true },
      user('ada'),
    ],
    [
      'of the shared secret, with our claims',
      () => forge({ alg: 'HS256' }, own, sharedSecret),
      { shared: true },
      user('ada'),
    ],
  ];
  for (const [what, token, options, identity] of accepted) {
    test(what, async (t) => {
      holdClock(t);
      assert.deepEqual(await authenticate(await token(), options), identity);
    });
  }
});

const tampered = async () => {
  const [header, , signature] = (await sign(ed, own)).split('.');
  return `${header}.${Buffer.from(JSON.stringify({ ...own, sub: 'bob' })).toString('base64url')}.${signature}`;
};

describe('a token is refused', () => {
  const refused: readonly Row[] = [
    ['without a signature', () => forge({ alg: 'none' }, own, undefined)],
    ['without a signature, in another case', () => forge({ alg: 'None', kid: 'ed' }, own, undefined)],
    ['of a user whose id is longer than a call could name', () => sign(ed, { ...own, sub: 'a'.repeat(256) })],
    ['of a user whose id no database could hold', () => sign(ed, { ...own, sub: 'a\0b' })],
    ['of a user whose id has space around it', () => sign(ed, { ...own, sub: ' ada ' })],
    ['with an empty signature', async () => `${(await sign(ed, own)).split('.').slice(0, 2).join('.')}.`],
    ['whose claims were changed', tampered],
    [
      'signed with the public key as a secret',
      async () => forge({ alg: 'HS256', kid: 'rs' }, own, await exportSPKI(rs.publicKey)),
      { shared: true },
    ],
    [
      'signed with the public key’s x as a secret',
      () => forge({ alg: 'HS256', kid: 'ed' }, own, String(ed.jwk.x)),
      { shared: true },
    ],
    ['signed with an empty secret', () => forge({ alg: 'HS256' }, own, ''), { shared: true }],
    ['of a shared secret where there is none', () => forge({ alg: 'HS256' }, own, sharedSecret)],
    ['of another shared secret', () => forge({ alg: 'HS256' }, own, `${sharedSecret}!`), { shared: true }],
    [
      'of the shared secret, for another organization',
      () => forge({ alg: 'HS256' }, { ...own, aud: otherOrganization }, sharedSecret),
      { shared: true },
    ],
    [
      'of the shared secret, by another issuer',
      () => forge({ alg: 'HS256' }, { ...own, iss: idpUrl }, sharedSecret),
      { shared: true },
    ],
    [
      'of the shared secret, without end',
      () => forge({ alg: 'HS256' }, { sub: 'ada' }, sharedSecret),
      { shared: true },
    ],
    ['of the shared secret, by another algorithm', () => forge({ alg: 'HS512' }, own, sharedSecret), { shared: true }],
    ['signed by another organization’s key of the same id', () => sign(foreign, own)],
    ['for another organization', () => sign(ed, { ...own, aud: otherOrganization })],
    ['for nobody', () => sign(ed, { ...own, aud: undefined })],
    ['by an unknown issuer', () => sign(ed, { ...own, iss: 'https://elsewhere' })],
    ['by no issuer', () => sign(ed, { ...own, iss: undefined })],
    ['that has expired', () => sign(ed, { ...own, exp: nowS - 31 })],
    ['that is valid soon', () => sign(ed, { ...own, nbf: nowS + 60 })],
    ['signed by a key by an algorithm that is not the key’s', () => sign({ ...anyRsa, jwk: rs.jwk }, own)],
    ['without the id of its key, signed by another', () => signWithoutKid(foreign, own)],
    ['of an issuer, whose address is not verified', () => sign(idp, { ...issuerClaims(), email_verified: false })],
    [
      'of an issuer, whose address is verified in words',
      () => sign(idp, { ...issuerClaims(), email_verified: 'true' }),
    ],
    ['that is not valid yet', () => sign(ed, { ...own, nbf: nowS + 600 })],
    ['without end', () => sign(ed, { ...own, exp: undefined })],
    ['with an end that is no time', () => sign(ed, { ...own, exp: 'never' })],
    ['signed by an unknown key', () => sign(ed, own, { kid: 'unknown' })],
    ['signed by one key in the name of another', () => sign(ed, own, { kid: 'es' })],
    [
      'with a critical header that nobody knows',
      () => forge({ alg: 'HS256', crit: ['x'], x: 1 }, own, sharedSecret),
      { shared: true },
    ],
    ['of an issuer, signed with our key', () => sign(ed, issuerClaims())],
    ['of ours, signed with an issuer’s key', () => sign(idp, own)],
    ['of an issuer, for another audience', () => sign(idp, { ...issuerClaims(), aud: 'other' })],
    ['of an issuer, without the user', () => sign(idp, { ...issuerClaims(), email: undefined })],
    ['of an issuer, with an empty user', () => sign(idp, { ...issuerClaims(), email: '' })],
    ['of an issuer, with a user that is no text', () => sign(idp, { ...issuerClaims(), email: ['ada'] })],
    ['of an issuer, with the organization as the user', () => sign(idp, { ...issuerClaims(), email: organizationId })],
    ['that is none', () => 'nonsense'],
    ['that is none, in three parts', () => 'a.b.c'],
    ['that is empty', () => ''],
  ];
  for (const [what, token, options] of refused) {
    test(what, async (t) => {
      holdClock(t);
      const text = await token();
      await assert.rejects(async () => authenticate(text, options), { code: 'invalid_credentials', status: 401 });
    });
  }
});

describe('a refusal of a token tells its holder', () => {
  const told: readonly (readonly [what: string, token: () => Promise<string> | string, message: RegExp])[] = [
    ['that it has expired', () => sign(ed, { ...own, exp: nowS - 31 }), /: the token has expired; get a new one$/],
    ['nothing of what somebody else has signed', () => sign(foreign, { ...own, exp: nowS - 31 }), /unknown here/],
    ['that it is none', () => 'sk-proj-abc', /: this is neither a token nor a key chp_… of Chaperone/],
  ];
  for (const [what, token, message] of told) {
    test(what, async (t) => {
      holdClock(t);
      const text = await token();
      await assert.rejects(async () => authenticate(text), { code: 'invalid_credentials', message });
    });
  }
});

test('a verified token is accepted from memory until it expires', async (t) => {
  const authenticator = makeOurs();
  const headers = { authorization: `Bearer ${await sign(ed, own)}` };
  const first = authenticator.authenticate(headers, makeSnapshot());
  assert.ok(first instanceof Promise);
  const identity = await first;
  assert.equal(authenticator.authenticate(headers, makeSnapshot()), identity);
  t.mock.timers.enable({ apis: ['Date'], now: own.exp * 1_000 + 30_001 });
  await assert.rejects(async () => authenticator.authenticate(headers, makeSnapshot()), {
    code: 'invalid_credentials',
  });
});

describe('a token that is revoked', () => {
  const claims = { ...own, jti: 'leaked', iat: nowS - 10 };
  const rows: readonly (readonly [what: string, row: ConfigRevocation])[] = [
    ['by its id', { kind: 'token', subject: 'leaked', issued_before_ms: null, expires_at_ms: null }],
    ['by the key that signed it', { kind: 'key', subject: 'ed', issued_before_ms: null, expires_at_ms: null }],
    [
      'by its user',
      { kind: 'user', subject: userIdOf(organizationId, 'ada'), issued_before_ms: nowS * 1_000, expires_at_ms: null },
    ],
    ['by its time', { kind: 'all', subject: '', issued_before_ms: nowS * 1_000, expires_at_ms: null }],
  ];
  for (const [what, row] of rows) {
    test(`${what} is refused at once, although it was verified before`, async () => {
      const authenticator = makeOurs();
      const headers = { authorization: `Bearer ${await sign(ed, claims)}` };
      assert.deepEqual(await authenticator.authenticate(headers, makeSnapshot()), user('ada'));
      const revoked = makeSnapshot({ revocations: openRevocations([row]) });
      const message = 'Invalid authentication credentials: the token has been revoked; get a new one';
      const isRefused = { code: 'invalid_credentials', message };
      assert.throws(() => authenticator.authenticate(headers, revoked), isRefused);
      await assert.rejects(async () => makeOurs().authenticate(headers, revoked), isRefused);
      const later = `Bearer ${await sign(es, { ...own, iat: nowS })}`;
      assert.deepEqual(await authenticator.authenticate({ authorization: later }, revoked), user('ada'));
    });
  }

  test('is refused by its id or its user where an issuer issued it, but not by the id of the issuer’s key', async () => {
    const headers = { authorization: `Bearer ${await sign(idp, { ...issuerClaims(), jti: 'theirs' })}` };
    const ask = async (row: ConfigRevocation) =>
      makeOurs().authenticate(headers, makeSnapshot({ revocations: openRevocations([row]) }));
    const always = { issued_before_ms: null, expires_at_ms: null };
    await assert.rejects(ask({ ...always, kind: 'token', subject: 'theirs' }), { code: 'invalid_credentials' });
    const subject = userIdOf(organizationId, 'ada@example.com');
    // It does not say when it was issued.
    await assert.rejects(ask({ ...always, kind: 'user', subject, issued_before_ms: 1 }), {
      code: 'invalid_credentials',
    });
    assert.deepEqual(await ask({ ...always, kind: 'key', subject: 'idp' }), user('ada@example.com'));
  });
});

describe('a synthetic key', () => {
  const inShop = { namespace: 'shop' };
  const hash = (key: string) => createHash('sha256').update(key).digest('hex');
  const snapshot = makeSnapshot({
    syntheticKeys: new Map([
      [hash('chp_ada'), { ...inShop, user: 'ada', roles: [], expiresAtMs: Number.POSITIVE_INFINITY }],
      [hash('chp_everyone'), { ...inShop, user: undefined, roles: ['member'], expiresAtMs: Number.POSITIVE_INFINITY }],
      [hash('chp_old'), { ...inShop, user: 'ada', roles: [], expiresAtMs: Date.now() - 1 }],
    ]),
  });
  for (const header of ['authorization', 'x-api-key', 'x-dashboard-key'] as const) {
    const value = (key: string) => ({ [header]: header === 'authorization' ? `bearer ${key}` : key });
    test(`in ${header} is recognized by its hash`, async () => {
      const authenticator = makeOurs();
      assert.deepEqual(authenticator.authenticate(value('chp_ada'), snapshot), { ...user('ada'), ...inShop });
      assert.deepEqual(authenticator.authenticate(value('chp_everyone'), snapshot), {
        ...user(undefined, 'member'),
        ...inShop,
      });
      for (const key of ['chp_old', 'chp_other', 'chp_', hash('chp_ada')]) {
        const attempt = async () => authenticator.authenticate(value(key), snapshot);
        await assert.rejects(attempt, { code: 'invalid_credentials' });
      }
    });
  }
});

describe('a credential', () => {
  test('may be in several headers, if it is the same', async () => {
    const token = await sign(ed, own);
    const headers = { authorization: `Bearer ${token}`, 'x-api-key': token, 'x-dashboard-key': '' };
    assert.deepEqual(await makeOurs().authenticate(headers, makeSnapshot()), user('ada'));
  });
  for (const [first, header, param] of [
    ['authorization', 'x-api-key', 'X-API-Key'],
    ['authorization', 'x-dashboard-key', 'X-Dashboard-Key'],
    ['x-api-key', 'x-dashboard-key', 'X-Dashboard-Key'],
  ] as const) {
    test(`is refused where ${header} has another one than ${first}`, async () => {
      const token = await sign(ed, own);
      const headers = { [first]: first === 'authorization' ? `Bearer ${token}` : token, [header]: 'nonsense' };
      assert.throws(() => makeOurs().authenticate(headers, makeSnapshot()), { code: 'invalid_header', param });
    });
  }
  for (const headers of [
    {},
    { authorization: 'Basic YTpi' },
    { authorization: '' },
    { 'x-api-key': '' },
    { cookie: 'a=b' },
  ]) {
    test(`is not in ${JSON.stringify(headers)}`, () => {
      assert.throws(() => makeOurs().authenticate(headers, makeSnapshot()), {
        code: 'invalid_credentials',
        message: /^Invalid authentication credentials: send Authorization: Bearer /,
      });
    });
  }
});
