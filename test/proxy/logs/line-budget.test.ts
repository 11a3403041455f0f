import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeLineBudget } from '../../../proxy/logs/line-budget.ts';

test('lines beyond the burst are left out, and counted with the next one', () => {
  let nowMs = 0;
  const budget = makeLineBudget({ perSecond: 2, burst: 3, nowMs: () => nowMs });
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => budget.take()),
    [0, 0, 0, undefined, undefined],
  );
  nowMs = 499;
  assert.equal(budget.take(), undefined);
  nowMs = 500;
  assert.equal(budget.take(), 3);
  nowMs = 60_000;
  assert.deepEqual(
    [1, 2, 3, 4].map(() => budget.take()),
    [0, 0, 0, undefined],
  );
});

test('no line is lost uncounted, and no more pass than the budget has', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_000 })), (pausesMs) => {
      let nowMs = 0;
      const budget = makeLineBudget({ perSecond: 5, burst: 4, nowMs: () => nowMs });
      let [passed, told, waiting] = [0, 0, 0];
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs;
        const leftOut = budget.take();
        if (leftOut === undefined) waiting += 1;
        else {
          passed += 1;
          told += leftOut;
          waiting = 0;
        }
      }
      assert.equal(passed + told + waiting, pausesMs.length);
      assert.ok(passed <= 4 + (nowMs / 1_000) * 5 + 1e-6);
    }),
  ));
