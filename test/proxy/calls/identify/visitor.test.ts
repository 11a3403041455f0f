import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findVisitor, type VisitorSigner } from '../../../../proxy/calls/identify/visitor.ts';

const envelope = { lastingKey: (organizationId: string, purpose: string) => Buffer.from(organizationId + purpose) };
const signer: VisitorSigner = { organizationId: 'o', envelope, keyId: 'k' };
const day = 86_400_000;
const nowMs = 1_800_000_000_000;

test('a visitor without a token is a new one, and its token brings it back', () => {
  const first = findVisitor(undefined, signer, nowMs);
  assert.ok(first.isNew && first.newToken);
  assert.match(first.user, /^visitor_[0-9a-f]{32}$/);
  const again = findVisitor(first.newToken, signer, nowMs + 1_000);
  assert.deepEqual(again, { user: first.user, newToken: undefined, isNew: false });
  assert.notEqual(findVisitor(undefined, signer, nowMs).user, first.user);
});

test('a token in use is replaced after a day, and one that is not used ends after 30', () => {
  const { user, newToken = '' } = findVisitor(undefined, signer, nowMs);
  const renewed = findVisitor(newToken, signer, nowMs + 2 * day);
  assert.equal(renewed.user, user);
  assert.ok(renewed.newToken && renewed.newToken !== newToken);
  assert.equal(findVisitor(renewed.newToken, signer, nowMs + 31 * day).user, user);
  assert.throws(() => findVisitor(newToken, signer, nowMs + 31 * day), { code: 'invalid_credentials' });
});

test('nobody can become another visitor', () => {
  const { newToken: mine = '' } = findVisitor(undefined, signer, nowMs);
  const { newToken: theirs = '' } = findVisitor(undefined, signer, nowMs);
  const [id] = theirs.split('.');
  const [, issued, mac] = mine.split('.');
  const forged = [
    `${id}.${issued}.${mac}`,
    `${mine.split('.')[0]}.${'zzzzzz'}.${mac}`,
    mine.slice(0, -1),
    `${mine}x`,
    'vt_',
    'x'.repeat(10_000),
  ];
  for (const token of forged) {
    assert.throws(() => findVisitor(token, signer, nowMs), { code: 'invalid_credentials', param: 'X-Visitor-Token' });
  }
  for (const other of [
    { ...signer, keyId: 'other' },
    { ...signer, organizationId: 'other' },
  ]) {
    assert.throws(() => findVisitor(mine, other, nowMs), { code: 'invalid_credentials' });
  }
});
