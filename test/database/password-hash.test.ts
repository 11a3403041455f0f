import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword, isPassword, isPasswordOf, readPasswordHash } from '../../database/password-hash.ts';

/** Made by the reference implementation: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 */
const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

test('a hash of the reference implementation is the password’s, and no other one’s', async () => {
  const hash = readPasswordHash(reference);
  assert.ok(hash);
  assert.equal(await isPasswordOf(hash, 'password'), true);
  assert.equal(await isPasswordOf(hash, 'Password'), false);
});

test('two hashes of a password differ, and both are the password’s', async () => {
  const [one, other] = [await hashPassword('pässwörd'), await hashPassword('pässwörd')];
  assert.notEqual(one, other);
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  for (const text of [one, other]) {
    const hash = readPasswordHash(text);
    assert.ok(hash);
    // The same characters, typed as letters with marks.
    assert.equal(await isPasswordOf(hash, 'pässwörd'.normalize('NFD')), true);
  }
});

const others: readonly (readonly [what: string, text: string])[] = [
  ['nothing', ''],
  ['a password', 'password'],
  ['bcrypt', '$2b$12$abcdefghijklmnopqrstuuQ7Lr3Xq3bYb8q3Qm1o3Qm1o3Qm1o3Qm'],
  ['argon2i', reference.replace('argon2id', 'argon2i')],
  ['an older version', reference.replace('v=19', 'v=16')],
  ['too much memory', reference.replace('65536', '65537')],
  ['too many passes', reference.replace('t=2', 't=11')],
  ['no pass', reference.replace('t=2', 't=0')],
  ['less memory than lanes need', reference.replace('m=65536', 'm=7')],
  ['more after it', `${reference}$`],
];

for (const [what, text] of others) test(`${what} is no hash`, () => assert.equal(readPasswordHash(text), undefined));

test('a password has 1 to 1024 characters', () => {
  assert.deepEqual(['', 'a', 'a'.repeat(1_024), 'a'.repeat(1_025)].map(isPassword), [false, true, true, false]);
});
