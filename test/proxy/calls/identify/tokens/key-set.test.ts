import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { JWK } from 'jose';
import { candidatesOf, makeKeySet, verifyByAny } from '../../../../../proxy/calls/identify/tokens/key-set.ts';
import { makeSigner } from './identity-provider.ts';

describe('the algorithms of a key', () => {
  const rows: readonly (readonly [name: string, jwk: JWK, algorithms: readonly string[] | 'unusable' | 'left out'])[] =
    [
      ['RSA', { kty: 'RSA' }, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
      ['RSA with an algorithm', { kty: 'RSA', alg: 'PS384' }, ['PS384']],
      ['RSA with an algorithm of another kind', { kty: 'RSA', alg: 'ES256' }, 'unusable'],
      ['RSA with a symmetric algorithm', { kty: 'RSA', alg: 'HS256' }, 'unusable'],
      ['RSA with none', { kty: 'RSA', alg: 'none' }, 'unusable'],
      ['P-256', { kty: 'EC', crv: 'P-256' }, ['ES256']],
      ['P-384', { kty: 'EC', crv: 'P-384' }, ['ES384']],
      ['P-521', { kty: 'EC', crv: 'P-521' }, ['ES512']],
      ['Ed25519', { kty: 'OKP', crv: 'Ed25519' }, ['EdDSA', 'Ed25519']],
      ['Ed25519 by the older name', { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' }, ['EdDSA']],
      ['a curve of another type of key', { kty: 'OKP', crv: 'P-256' }, 'unusable'],
      ['another curve', { kty: 'EC', crv: 'secp256k1' }, 'unusable'],
      ['a curve that is named like a property of objects', { kty: 'EC', crv: 'constructor' }, 'unusable'],
      ['an elliptic key without a curve', { kty: 'EC' }, 'unusable'],
      ['another type', { kty: 'AKP', alg: 'ML-DSA-44' }, 'unusable'],
      ['a secret', { kty: 'oct', k: 'AAAA' }, 'left out'],
      ['a key for encryption', { kty: 'RSA', use: 'enc' }, 'left out'],
      ['a key that only encrypts', { kty: 'RSA', key_ops: ['encrypt'] }, 'left out'],
      ['a key that verifies, among others', { kty: 'EC', crv: 'P-256', key_ops: ['sign', 'verify'] }, ['ES256']],
    ];
  for (const [name, jwk, algorithms] of rows) {
    const shown = typeof algorithms === 'string' ? algorithms : algorithms.join(', ');
    test(`${name}: ${shown}`, () => {
      const { keys, unusable } = makeKeySet({ keys: [{ ...jwk, kid: 'k' }] });
      assert.deepEqual(
        keys.map((key) => key.algorithms),
        typeof algorithms === 'string' ? [] : [algorithms],
      );
      assert.equal(unusable.length, algorithms === 'unusable' ? 1 : 0);
    });
  }
});

describe('the keys that may have signed a token', () => {
  const ec = { kty: 'EC', crv: 'P-256' };
  const set = makeKeySet({ keys: [{ ...ec, kid: 'a' }, { ...ec, kid: 'b' }, ec, { kty: 'RSA', kid: 'a' }] });
  const rows: readonly (readonly [name: string, hint: object, count: number])[] = [
    ['have its id and its algorithm', { alg: 'ES256', kid: 'a' }, 1],
    ['are all with its algorithm, where it names no id', { alg: 'ES256' }, 3],
    ['are none with another id', { alg: 'ES256', kid: 'c' }, 0],
    ['are none with another algorithm', { alg: 'EdDSA', kid: 'a' }, 0],
    ['are none with a symmetric algorithm', { alg: 'HS256', kid: 'a' }, 0],
    ['are none without an algorithm', { kid: 'a' }, 0],
    ['are none with an algorithm that is no text', { alg: 7, kid: 'a' }, 0],
  ];
  for (const [name, hint, count] of rows) test(name, () => assert.equal(candidatesOf(set, hint).length, count));

  test('are at most eight', () => {
    assert.equal(candidatesOf(makeKeySet({ keys: Array(20).fill(ec) }), { alg: 'ES256' }).length, 8);
  });
});

test('an odd key verifies nothing, fails nothing, and leaves the others usable', async () => {
  const { jwk, sign } = await makeSigner('good', 'ES256');
  const token = await sign({ sub: 'ada' }, {});
  const field = fc.constantFrom('kty', 'crv', 'alg', 'use', 'key_ops', 'kid', 'x', 'y', 'n', 'e', 'd', 'ext', 'k');
  const word = fc.constantFrom(
    'EC',
    'RSA',
    'OKP',
    'P-256',
    'P-384',
    'ES256',
    'constructor',
    'AQAB',
    'verify',
    '__proto__',
  );
  const change = fc.tuple(field, fc.oneof(word, fc.jsonValue({ maxDepth: 1 })));
  const oddKey = fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes) => ({ ...jwk, ...Object.fromEntries(changes) }));
  await fc.assert(
    fc.asyncProperty(oddKey, async (odd) => {
      const keys = candidatesOf(makeKeySet({ keys: [odd as JWK, jwk] }), { alg: 'ES256' });
      const verified = await verifyByAny(token, keys, {});
      assert.equal(verified?.payload.sub, 'ada');
    }),
    { numRuns: 500 },
  );
});
