import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import { type DataKeySet, makeEnvelope } from '../../../../../database/envelope.ts';
import {
  accountKeysOf,
  accountTokensOf,
  makeAccountVerifier,
  signAccountToken,
} from '../../../../../proxy/calls/identify/tokens/account-token.ts';

const organizationId = '018f0000-0000-7000-8000-000000000001';
const keyOf = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const nowS = Math.floor(Date.now() / 1_000);
const spec = {
  authentication: {
    ...{ tokenLifetime: '1h', leeway: '30s', requireUser: true },
    accounts: [{ user: 'ann', passwordHashRef: { name: 'people', key: 'ann' } }],
  },
};

/** `one`, then `two`, of which the first `count` are in the set. `two` is used if `current` says so. */
function keySet(current: 'one' | 'two', usedFromS: number | undefined, ids = ['one', 'two']): DataKeySet {
  const all = { one: keyOf(1), two: keyOf(2) };
  return {
    current,
    keys: Object.fromEntries(Object.entries(all).filter(([id]) => ids.includes(id))),
    issuedAtS: { one: nowS - 90_000, two: nowS - 1_000 },
    usedFromS: { one: nowS - 90_000, ...(usedFromS !== undefined && { two: usedFromS }) },
  };
}

async function sign(by: DataKeySet, lastsS: number): Promise<string> {
  const [key] = accountKeysOf(makeEnvelope(by), organizationId);
  assert.ok(key);
  const times = { issuedAtS: nowS, expiresAtS: nowS + lastsS };
  return signAccountToken(key, organizationId, { tokenId: 't', loginId: 'l', user: 'ann', roles: ['admin'], ...times });
}

async function isAccepted(by: DataKeySet, token: string): Promise<boolean> {
  const tokens = accountTokensOf(spec, makeEnvelope(by), organizationId);
  assert.ok(tokens);
  const verify = makeAccountVerifier(tokens, { organizationId, leewayS: 30 });
  const { kid } = decodeProtectedHeader(token);
  return verify(token, { alg: 'EdDSA', ...(kid !== undefined && { kid }) }).then(
    () => true,
    () => false,
  );
}

const before = keySet('one', undefined);
const after = keySet('two', nowS - 600);

test('proxies accept each other’s tokens while another data key comes into use', async () => {
  assert.equal(await isAccepted(before, await sign(before, 3_600)), true);
  assert.equal(await isAccepted(after, await sign(after, 3_600)), true);
  // One has read that the key is used, the other has not yet.
  assert.equal(await isAccepted(before, await sign(after, 3_600)), true);
  assert.equal(await isAccepted(after, await sign(before, 3_000)), true);
});

test('a data key that was replaced signs nothing new', async () => {
  // A token that lasts so long was made after the replacement, by whoever has the former key.
  assert.equal(await isAccepted(after, await sign(before, 86_400)), false);
  assert.equal(await isAccepted(keySet('two', nowS - 90_000), await sign(before, 60)), false);
});

test('a key that is not in the set signs nothing', async () => {
  assert.equal(await isAccepted(keySet('one', undefined, ['one']), await sign(after, 60)), false);
});

test('a key is not accepted where nobody knows when it was replaced', async () => {
  assert.equal(await isAccepted({ ...after, usedFromS: {} }, await sign(before, 60)), false);
});
