import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { makeFolder } from '../../../proxy/spool/fold.ts';
import type { Store } from '../../../proxy/store.ts';

/** A folder by a clock of the test. `folds` counts what it has begun. */
function start(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let folds = 0;
  const run = async () => {
    folds += 1;
    return false;
  };
  const folder = makeFolder({ store: { run } as unknown as Store, log: pino({ level: 'silent' }) });
  t.after(() => folder.stop());
  const pass = async (seconds: number) => {
    t.mock.timers.tick(seconds * 1_000);
    await new Promise((resolve) => setImmediate(resolve));
    return folds;
  };
  return { ship: folder.onShipped, pass, folds: () => folds };
}

test('few records are folded after a minute, with those that came meanwhile', async (t) => {
  const { ship, pass } = start(t);
  ship(1);
  assert.equal(await pass(50), 0);
  ship(1);
  assert.deepEqual([await pass(9), await pass(1), await pass(120)], [0, 1, 1]);
  ship(1);
  assert.deepEqual([await pass(59), await pass(1)], [1, 2]);
});

test('many records are folded ten seconds after they have become many', async (t) => {
  const { ship, pass } = start(t);
  ship(1);
  assert.equal(await pass(30), 0);
  ship(99);
  assert.equal(await pass(9), 0);
  ship(1);
  assert.deepEqual([await pass(1), await pass(60)], [1, 1]);
});

test('very many records are folded at once', async (t) => {
  const { ship, folds } = start(t);
  ship(4_999);
  assert.equal(folds(), 0);
  ship(1);
  assert.equal(folds(), 1);
});
