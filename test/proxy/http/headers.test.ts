import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateHeaders } from '../../../proxy/http/headers.ts';

test('rates are told by the name that the contract has for them', () => {
  assert.deepEqual(rateHeaders('X-Rate-Limit', { limit: 100, remaining: 95, resetAtMs: 1_692_105_599_001 }), {
    'x-rate-limit-limit': '100',
    'x-rate-limit-remaining': '95',
    'x-rate-limit-reset': '1692105600',
  });
});

test('no more than all of a rate is used up', () => {
  assert.equal(rateHeaders('X-RateLimit', { limit: 1, remaining: -2, resetAtMs: 0 })['x-ratelimit-remaining'], '0');
});
