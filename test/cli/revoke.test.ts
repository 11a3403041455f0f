import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseRevocation, type RevokeOptions } from '../../cli/revoke.ts';
import { userIdOf } from '../../database/ids.ts';

const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';
const nowMs = Date.parse('2026-01-01T00:00:00.250Z');
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (claims: object) => `${encode({ alg: 'EdDSA' })}.${encode(claims)}.AAAA`;

function choose(options: Partial<RevokeOptions>) {
  const { what, waitMs, toRevocation } = chooseRevocation({ organization: 'acme', ...options }, nowMs);
  return { what, waitMs, revocation: toRevocation(organizationId) };
}

const forever = { organizationId, expiresAt: null };
const userId = userIdOf(organizationId, 'ada');

const chosen: readonly (readonly [Partial<RevokeOptions>, ReturnType<typeof choose>['revocation'], waitMs: number])[] =
  [
    [{ id: 'jti' }, { ...forever, kind: 'token', tokenId: 'jti' }, 0],
    [
      { id: tokenOf({ jti: 'inside', exp: 1_000 }) },
      { organizationId, kind: 'token', tokenId: 'inside', expiresAt: new Date(1_600_000) },
      0,
    ],
    // Until the second is over, so that what is issued afterwards is not meant.
    [{ user: 'ada' }, { ...forever, kind: 'user', userId, issuedBefore: new Date('2026-01-01T00:00:01Z') }, 750],
    [
      { user: 'ada', issuedBefore: '2025-12-31T00:00:00Z' },
      { ...forever, kind: 'user', userId, issuedBefore: new Date('2025-12-31T00:00:00Z') },
      0,
    ],
    [{ issuedBefore: 'now' }, { ...forever, kind: 'all', issuedBefore: new Date('2026-01-01T00:00:01Z') }, 750],
    [
      { issuedBefore: '2025-12-31T23:00:00+01:00' },
      { ...forever, kind: 'all', issuedBefore: new Date('2025-12-31T22:00:00Z') },
      0,
    ],
  ];
for (const [options, revocation, waitMs] of chosen) {
  test(`revoked by ${JSON.stringify(options)}`, () => {
    const found = choose(options);
    assert.deepEqual(found.revocation, revocation);
    assert.equal(found.waitMs, waitMs);
  });
}

const refused: readonly (readonly [Partial<RevokeOptions>, RegExp])[] = [
  [{}, /Name an --id, a --user or --issued-before/],
  [{ id: 'jti', user: 'ada' }, /either an id or a user and a time/],
  [{ id: '' }, /1 to 1000 characters/],
  [{ id: 'x'.repeat(1_001) }, /1 to 1000 characters/],
  [{ id: tokenOf({ sub: 'ada' }) }, /has no id \(jti\)/],
  [{ user: '' }, /The user must be 1 to 255 characters/],
  [{ issuedBefore: 'yesterday' }, /must be "now" or such as/],
  [{ issuedBefore: '2025-12-31' }, /must be "now" or such as/],
  [{ issuedBefore: '2026-01-02T00:00:00Z' }, /must not be ahead/],
];
for (const [options, message] of refused) {
  test(`refused: ${JSON.stringify(options).slice(0, 60)}`, () => assert.throws(() => choose(options), { message }));
}
