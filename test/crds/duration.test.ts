import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDurationMs } from '../../crds/duration.ts';

const durations: readonly (readonly [string, number])[] = [
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5s', 1_500],
  ['1m', 60_000],
  ['1h30m', 5_400_000],
  ['365d', 31_536_000_000],
  ['1d1h1m1s1ms', 90_061_001],
  ['0s', 0],
];
for (const [text, ms] of durations) {
  test(`${text} is ${ms} ms`, () => assert.equal(parseDurationMs(text), ms));
}

for (const text of ['', '30', 's', '1w', '-1s', '1 s', '1s ', '1.s', '.5s', '1e3s', 's1', '1m30']) {
  test(`${JSON.stringify(text)} is none`, () => assert.throws(() => parseDurationMs(text), RangeError));
}

test('parts add up', () => {
  fc.assert(
    fc.property(fc.nat(999), fc.nat(999), fc.nat(999), (hours, minutes, ms) => {
      assert.equal(parseDurationMs(`${hours}h${minutes}m${ms}ms`), hours * 3_600_000 + minutes * 60_000 + ms);
    }),
  );
});
