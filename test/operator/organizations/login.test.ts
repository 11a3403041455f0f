import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ensureOrganizationRole } from '../../../database/roles.ts';
import { makeLoginCheck } from '../../../operator/organizations/login.ts';
import { openDatabase } from '../../database/tenant.ts';

test('a password that worked is not tried again for a while, and a wrong one each time', async (t) => {
  const { owner, url } = await openDatabase(t);
  const id = randomUUID();
  const role = await ensureOrganizationRole(owner, id, 'first');
  const seldom = makeLoginCheck(url, 3_600_000);
  const always = makeLoginCheck(url, 0);
  const askBoth = async (password: string) => [
    await seldom.isRefused({ role, password }),
    await always.isRefused({ role, password }),
  ];
  assert.deepEqual(await askBoth('first'), [false, false]);
  await ensureOrganizationRole(owner, id, 'second');
  assert.deepEqual(await askBoth('first'), [false, true]);
  assert.deepEqual(await askBoth('second'), [false, false]);
  assert.deepEqual(await askBoth('third'), [true, true]);
  await ensureOrganizationRole(owner, id, 'third');
  assert.deepEqual(await askBoth('third'), [false, false]);
});

test('a password is tried at once where the role has another one since', async (t) => {
  const { owner, url } = await openDatabase(t);
  const id = randomUUID();
  const role = await ensureOrganizationRole(owner, id, 'first');
  const logins = makeLoginCheck(url, 3_600_000);
  assert.equal(await logins.isRefused({ role, password: 'first' }), false);
  await ensureOrganizationRole(owner, id, 'second');
  logins.noteIssued({ role, password: 'second' });
  assert.equal(await logins.isRefused({ role, password: 'first' }), true);
});
