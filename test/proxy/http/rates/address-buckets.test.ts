import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guesses, makeAddressBuckets } from '../../../../proxy/http/rates/address-buckets.ts';

test('an address has so many guesses in a window, and then as many again', () => {
  let nowMs = 1_000;
  const buckets = makeAddressBuckets(guesses, () => nowMs);
  assert.equal(buckets.rate('a').remaining, guesses.limit);
  for (let guess = 0; guess < guesses.limit; guess += 1) buckets.take('a');
  assert.deepEqual(buckets.rate('a'), { limit: guesses.limit, remaining: 0, resetAtMs: 1_000 + guesses.windowMs });
  assert.equal(buckets.rate('b').remaining, guesses.limit);
  nowMs += guesses.windowMs;
  assert.equal(buckets.rate('a').remaining, guesses.limit);
});

test('a credential is remembered with the address that it came from', () => {
  const buckets = makeAddressBuckets();
  buckets.noteValid('a', 'key');
  assert.deepEqual(
    [buckets.wasValid('a', 'key'), buckets.wasValid('b', 'key'), buckets.wasValid('a', 'other')],
    [true, false, false],
  );
});

test('memory is bounded: the longest unused address is forgotten', () => {
  const buckets = makeAddressBuckets();
  buckets.take('first');
  for (let other = 0; other < 10_000; other += 1) buckets.take(`other ${other}`);
  assert.equal(buckets.rate('first').remaining, guesses.limit);
  assert.equal(buckets.rate('other 9999').remaining, guesses.limit - 1);
});
