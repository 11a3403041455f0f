import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../../../../proxy/calls/call.ts';
import { digestRequest, readIdempotencyKey } from '../../../../proxy/http/idempotency/request-digest.ts';

const envelope = { lastingKey: (organizationId: string, purpose: string) => Buffer.from(organizationId + purpose) };
const caller = (fields: Partial<Caller> = {}) => ({
  identity: { user: undefined, roles: [] },
  userId: 'u-1',
  roles: ['member'],
  ...fields,
});
const request = {
  method: 'POST',
  url: '/api/v1/knowledge-base',
  body: { title: 'a', tags: ['b', 'c'], more: { x: 1, y: 2 } },
};
const digestsOf = (by: Parameters<typeof digestRequest>[2], key = 'k', asked: object = {}) => {
  const { keyDigest, requestDigest } = digestRequest(envelope, 'o', by, key, { ...request, ...asked });
  return [keyDigest.toString('hex'), requestDigest.toString('hex')];
};

test('the key is one of the caller', () => {
  const [key] = digestsOf(caller());
  const others = [
    digestsOf(caller({ userId: 'u-2' })),
    digestsOf(caller({ roles: ['admin'] })),
    digestsOf(caller({ identity: { user: undefined, roles: [], namespace: 'shop' } })),
    digestsOf(caller(), 'other'),
  ].map(([one]) => one);
  assert.equal(new Set([key, ...others]).size, 5);
  assert.deepEqual(digestsOf(caller({ roles: ['a', 'b'] })), digestsOf(caller({ roles: ['b', 'a'] })));
});

test('the same request is the same, in whatever order its fields are', () => {
  const [, asked] = digestsOf(caller());
  assert.equal(digestsOf(caller(), 'k', { body: { more: { y: 2, x: 1 }, tags: ['b', 'c'], title: 'a' } })[1], asked);
  const others = [
    { body: { ...request.body, tags: ['c', 'b'] } },
    { body: { ...request.body, title: 'b' } },
    { body: undefined },
    { url: '/api/v1/knowledge-base/search' },
  ].map((other) => digestsOf(caller(), 'k', other)[1]);
  assert.equal(new Set([asked, ...others]).size, 5);
});

test('a key has 1 to 255 visible characters', () => {
  assert.equal(readIdempotencyKey(undefined), undefined);
  assert.equal(readIdempotencyKey(' "8e03978e" '), '"8e03978e"');
  for (const wrong of ['', ' ', 'a b', 'ä', 'x'.repeat(256)]) {
    assert.throws(() => readIdempotencyKey(wrong), { code: 'invalid_header', param: 'Idempotency-Key' });
  }
});
