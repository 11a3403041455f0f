import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigRevocation } from '../../../database/config.ts';
import { isRevoked, noRevocations, openRevocations, type RevocableToken } from '../../../proxy/snapshot/revocations.ts';

const nowMs = 1_000_000;

function row(
  kind: ConfigRevocation['kind'],
  subject: string,
  beforeMs: number | null = null,
  expiresAtMs: number | null = null,
) {
  return { kind, subject, issued_before_ms: beforeMs, expires_at_ms: expiresAtMs };
}

const token: RevocableToken = { tokenId: 'jti', keyId: 'kid', userId: 'ada', issuedAtMs: 5_000 };
const bare: RevocableToken = { tokenId: undefined, keyId: undefined, userId: undefined, issuedAtMs: 0 };

const table: readonly (readonly [
  what: string,
  rows: readonly ConfigRevocation[],
  of: RevocableToken,
  isIt: boolean,
])[] = [
  ['nothing', [], token, false],
  ['its id', [row('token', 'jti')], token, true],
  ['another id', [row('token', 'other')], token, false],
  ['its key', [row('key', 'kid')], token, true],
  ['another key', [row('key', 'jti')], token, false],
  ['its user’s, issued later', [row('user', 'ada', 5_001)], token, true],
  ['its user’s, issued then', [row('user', 'ada', 5_000)], token, false],
  ['another user’s', [row('user', 'bob', 9_000)], token, false],
  ['all that were issued before', [row('all', '', 5_001)], token, true],
  ['all that were issued before it', [row('all', '', 5_000)], token, false],
  ['one of several', [row('all', '', 1), row('user', 'bob', 9_000), row('token', 'jti')], token, true],
  ['all, and it does not say when it was issued', [row('all', '', 1)], bare, true],
  ['others, and it says nothing', [row('token', 'jti'), row('user', 'ada', 9_000), row('key', 'kid')], bare, false],
  ['its id, but has expired since', [row('token', 'jti', null, nowMs - 1)], token, false],
  ['its id, and has not expired yet', [row('token', 'jti', null, nowMs)], token, true],
];

for (const [what, rows, of, isIt] of table) {
  test(`a token is ${isIt ? '' : 'not '}revoked by ${what}`, () => {
    assert.equal(isRevoked(of, openRevocations(rows, nowMs)), isIt);
  });
}

test('a new proxy has no revocations', () => {
  assert.ok(noRevocations.isEmpty);
  assert.equal(openRevocations([row('all', '', 1)]).isEmpty, false);
});
