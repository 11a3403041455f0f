import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DataKeySet, makeEnvelope } from '../../../../database/envelope.ts';
import { findVisitor, type VisitorSigner } from '../../../../proxy/calls/identify/visitor.ts';

const day = 86_400_000;
const nowMs = 1_800_000_000_000;
const nowS = nowMs / 1_000;
const keyOf = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const signer = signerOf({ current: 'one', keys: { one: keyOf(1) } });

function signerOf(keys: DataKeySet): VisitorSigner {
  return { organizationId: 'o', envelope: makeEnvelope(keys), keyId: 'k' };
}

/** `two` is used instead of `one` since a time, if a time is stated. */
function rotated(usedFromS: number | undefined, more: Partial<DataKeySet> = {}): VisitorSigner {
  return signerOf({
    ...more,
    current: usedFromS === undefined ? 'one' : 'two',
    keys: { one: keyOf(1), two: keyOf(2) },
    issuedAtS: { one: nowS - 90 * 86_400, two: nowS - 60 },
    usedFromS: { one: nowS - 90 * 86_400, ...(usedFromS !== undefined && { two: usedFromS }) },
  });
}

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

test('a visitor stays the same one while a data key is replaced, and gets another token', () => {
  const { user, newToken = '' } = findVisitor(undefined, signer, nowMs);
  const [before, after] = [rotated(undefined), rotated(nowS + 300)];
  assert.equal(findVisitor(newToken, before, nowMs).newToken, undefined);
  const renewed = findVisitor(newToken, after, nowMs + day);
  assert.equal(renewed.user, user);
  assert.equal(findVisitor(renewed.newToken, after, nowMs + 3 * day).user, user);
  // Another proxy has not yet read that the key is used.
  assert.equal(findVisitor(renewed.newToken, before, nowMs + day).user, user);
});

test('a data key that was replaced signs nothing new', () => {
  const after = rotated(nowS);
  const { newToken: made } = findVisitor(undefined, rotated(undefined), nowMs + 700_000);
  assert.throws(() => findVisitor(made, after, nowMs + 700_000), { code: 'invalid_credentials' });
  const { newToken: unknown } = findVisitor(undefined, signerOf({ current: 'x', keys: { x: keyOf(3) } }), nowMs);
  assert.throws(() => findVisitor(unknown, after, nowMs), { code: 'invalid_credentials' });
});

test('nothing that a leaked data key has signed is accepted once it is replaced', () => {
  const { newToken: forged = '' } = findVisitor(undefined, rotated(undefined), nowMs - day);
  const leaked = { leakedBeforeS: nowS - 60 };
  assert.equal(findVisitor(forged, rotated(undefined, leaked), nowMs).newToken, undefined, 'until then, it signs');
  const after = rotated(nowS, leaked);
  assert.throws(() => findVisitor(forged, after, nowMs + 1_000), { code: 'invalid_credentials' });
  const { user, newToken } = findVisitor(undefined, after, nowMs);
  assert.equal(findVisitor(newToken, after, nowMs + 1_000).user, user);
});
