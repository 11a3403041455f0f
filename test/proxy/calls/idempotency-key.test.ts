import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scopeIdempotencyKey } from '../../../proxy/calls/idempotency-key.ts';

test('a scoped key is the same at every proxy and in every version', () => {
  const scoped = scopeIdempotencyKey('again', 'org-1', 'user-1');
  assert.equal(scoped, '631f8e4e2f0d15c0b770bb95ce14304b00135fce6deb2c28883e11a940d212e9');
});

test('scoped keys differ by organization, by user and by key', () => {
  const keys = [
    scopeIdempotencyKey('c', 'a', 'b'),
    scopeIdempotencyKey('c', 'ab', ''),
    scopeIdempotencyKey('bc', 'a', ''),
    scopeIdempotencyKey('b","c', 'a', ''),
  ];
  assert.equal(new Set(keys).size, keys.length);
});
