import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfigChanges } from '../../database/config.ts';
import { deleteExpiredRevocations, insertRevocation } from '../../database/revocations.ts';
import { makeTenant, openDatabase } from './tenant.ts';

test('revocations are read as changes, and stay', async (t) => {
  const database = await openDatabase(t);
  const { owner } = database;
  const { id: organizationId } = await makeTenant(database);
  const other = await makeTenant(database);
  const at = (seconds: number) => new Date(seconds * 1_000);
  const forever = { organizationId, expiresAt: null };
  const userId = 'c5a0a7a2-62f6-5a3e-8a39-0b2f4a6f6c11';
  const since = (await readConfigChanges(owner, organizationId, 0)).version;
  await insertRevocation(owner, { ...forever, kind: 'all', issuedBefore: at(100) });
  await insertRevocation(owner, { ...forever, kind: 'user', userId, issuedBefore: at(200) });
  await insertRevocation(owner, { ...forever, kind: 'token', tokenId: 'jti', expiresAt: at(4e9) });
  await insertRevocation(owner, { ...forever, kind: 'key', keyId: 'kid', expiresAt: at(300) });
  // An earlier time takes nothing back, nor does an end that was not known before.
  await insertRevocation(owner, { ...forever, kind: 'all', issuedBefore: at(50), expiresAt: at(4e9) });
  await insertRevocation(owner, { ...forever, kind: 'user', userId, issuedBefore: at(250) });
  const read = async (version: number) =>
    (await readConfigChanges(owner, organizationId, version)).revocations.toSorted((a, b) =>
      a.kind < b.kind ? -1 : 1,
    );
  const expected = [
    { kind: 'all', subject: '', issued_before_ms: 100_000, expires_at_ms: null },
    { kind: 'key', subject: 'kid', issued_before_ms: null, expires_at_ms: 300_000 },
    { kind: 'token', subject: 'jti', issued_before_ms: null, expires_at_ms: 4e12 },
    { kind: 'user', subject: userId, issued_before_ms: 250_000, expires_at_ms: null },
  ];
  assert.deepEqual(await read(since), expected);
  assert.deepEqual((await readConfigChanges(owner, other.id, 0)).revocations, []);
  await deleteExpiredRevocations(owner);
  assert.deepEqual(
    await read(0),
    expected.filter(({ kind }) => kind !== 'key'),
  );
});
