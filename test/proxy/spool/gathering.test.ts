import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeGathering } from '../../../proxy/spool/gathering.ts';

const times = { usualMs: 50, busyMs: 250, busyRows: 25, fullRows: 500 };

/** Begins a wait with so many waiting rows. */
function beginWait(t: TestContext, rows: number) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const gathering = makeGathering(times, () => rows);
  let isOver = false;
  const over = gathering.wait().then(() => {
    isOver = true;
  });
  const isOverAfter = async (ms: number) => {
    t.mock.timers.tick(ms);
    await null;
    await null;
    return isOver;
  };
  return { gathering, over, isOverAfter };
}

for (const { rows, ms } of [
  { rows: 1, ms: 50 },
  { rows: 24, ms: 50 },
  { rows: 25, ms: 250 },
  { rows: 499, ms: 250 },
  { rows: 500, ms: 50 },
]) {
  test(`a batch gathers for ${ms} ms where ${rows} rows wait`, async (t) => {
    const { isOverAfter } = beginWait(t, rows);
    assert.equal(await isOverAfter(49), false);
    assert.equal(await isOverAfter(1), ms === 50);
    assert.equal(await isOverAfter(199), ms === 50);
    assert.equal(await isOverAfter(1), true);
  });
}

test('a wait can be ended at any time', async (t) => {
  for (const ms of [0, 100]) {
    await t.test(`after ${ms} ms`, async (t) => {
      const { gathering, over, isOverAfter } = beginWait(t, 100);
      assert.equal(await isOverAfter(ms), false);
      gathering.end();
      await over;
    });
  }
});
