import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeText } from '../../database/time-text.ts';

test('a time is written as Date writes it, whatever came before', () => {
  const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
  const near = fc.integer({ min: 0, max: 200_000 }).map((ms) => Date.UTC(2026, 10, 30, 23, 58, 59) + ms);
  fc.assert(
    fc.property(fc.oneof(near, fc.integer({ min: 0, max: last }), fc.constantFrom(0, last)), (atMs) => {
      assert.equal(timeText(atMs), new Date(atMs).toISOString());
    }),
    { numRuns: 500 },
  );
});
