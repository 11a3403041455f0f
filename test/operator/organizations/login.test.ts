import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ensureOrganizationRole } from '../../../database/roles.ts';
import { makePasswordCheck } from '../../../operator/organizations/login.ts';
import { openDatabase } from '../../database/tenant.ts';

test('a password that was right is not tried again for a while, and a wrong one is each time', async (t) => {
  const { owner, url } = await openDatabase(t);
  const id = randomUUID();
  const role = await ensureOrganizationRole(owner, id, 'first');
  const seldom = makePasswordCheck(url, 3_600_000);
  const always = makePasswordCheck(url, 0);
  const askBoth = async (password: string) => [await seldom({ role, password }), await always({ role, password })];
  assert.deepEqual(await askBoth('first'), [false, false]);
  await ensureOrganizationRole(owner, id, 'second');
  assert.deepEqual(await askBoth('first'), [false, true]);
  assert.deepEqual(await askBoth('second'), [false, false]);
  assert.deepEqual(await askBoth('third'), [true, true]);
  await ensureOrganizationRole(owner, id, 'third');
  assert.deepEqual(await askBoth('third'), [false, false]);
});
