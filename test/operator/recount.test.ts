import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRecount } from '../../operator/recount.ts';

test('one change is counted soon, many in a row once in a period, and the last one is', () => {
  let nowMs = 1_000;
  const asked: [string, number][] = [];
  const recount = makeRecount(
    { delay: 500, period: 10_000 },
    (name, delayMs) => asked.push([name, nowMs + delayMs]),
    () => nowMs,
  );
  recount.add('acme');
  recount.add('other');
  for (; nowMs <= 21_000; nowMs += 100) recount.add('acme');
  assert.deepEqual(asked, [
    ['acme', 1_500],
    ['other', 1_500],
    ['acme', 11_500],
    ['acme', 21_500],
  ]);
  nowMs = 60_000;
  recount.add('acme');
  assert.deepEqual(asked.at(-1), ['acme', 60_500]);
});

test('a clock that goes back holds up no recount', (t) => {
  let asked = 0;
  const recount = makeRecount({ delay: 0, period: 0 }, () => {
    asked += 1;
  });
  t.mock.timers.enable({ apis: ['Date'], now: 7_200_000 });
  recount.add('acme');
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['Date'], now: 3_600_000 });
  recount.add('acme');
  assert.equal(asked, 2);
});
