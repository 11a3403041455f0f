import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import {
  type ControllerObserver,
  type Reconcile,
  type ReconciledWork,
  startController,
  WaitingError,
} from '../../../operator/runtime/controller.ts';
import { makeWorkQueue } from '../../../operator/runtime/work-queue.ts';
import { atEnd } from '../../scope.ts';
import { until } from '../../until.ts';

function start(
  t: TestContext,
  reconcile: Reconcile<string>,
  concurrency = 2,
  observer?: ControllerObserver,
  log = pino({ level: 'silent' }),
) {
  const queue = makeWorkQueue({ baseDelayMs: 1, maxDelayMs: 4 });
  const options = { name: 'Test', queue, reconcile, concurrency, log, ...(observer && { observer }) };
  const controller = startController(options);
  atEnd(t, () => controller.stop());
  return { queue, controller };
}

test('every key is reconciled, as many at a time as allowed, and none twice at once', async (t) => {
  const active = new Set<string>();
  const done: string[] = [];
  let most = 0;
  const { queue, controller } = start(t, async (key) => {
    assert.ok(!active.has(key));
    active.add(key);
    most = Math.max(most, active.size);
    await new Promise((resolve) => setImmediate(resolve));
    active.delete(key);
    done.push(key);
    return {};
  });
  for (const key of ['a', 'b', 'c', 'a', 'd']) queue.add(key);
  await controller.idle();
  assert.deepEqual([...new Set(done)].sort(), ['a', 'b', 'c', 'd']);
  assert.equal(most, 2);
});

test('a key that waits for something known is retried without a warning for each attempt', async (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'info', base: null }, { write: (line: string) => void lines.push(JSON.parse(line).name) });
  const attempts = new Map<string, number>();
  const reconcile = async (key: string) => {
    const attempt = (attempts.get(key) ?? 0) + 1;
    attempts.set(key, attempt);
    if (attempt === 3) return {};
    throw key === 'waiting' ? new WaitingError('the database cannot be used') : new Error('deadlock detected');
  };
  const { queue, controller } = start(t, reconcile, 1, undefined, log);
  queue.add('waiting');
  queue.add('failing');
  await until(() => attempts.get('waiting') === 3 && attempts.get('failing') === 3, 'both to succeed');
  await controller.idle();
  assert.deepEqual(lines, ['failing', 'failing']);
});

test('a key that changes during its reconciliation is reconciled once more', async (t) => {
  const seen: number[] = [];
  let value = 1;
  const { queue, controller } = start(t, async () => {
    seen.push(value);
    if (value === 1) {
      value = 2;
      queue.add('a');
      queue.add('a');
    }
    return {};
  });
  queue.add('a');
  await controller.idle();
  assert.deepEqual(seen, [1, 2]);
});

test('a controller is not idle while a new key waits for its turn', async (t) => {
  let isDone = false;
  const { queue, controller } = start(t, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    isDone = true;
    return {};
  });
  queue.add('a');
  await controller.idle();
  assert.equal(isDone, true);
});

test('a failed key is tried again, and the others continue', async (t) => {
  const attempts = new Map<string, number>();
  const succeeded = Promise.withResolvers<void>();
  const { queue, controller } = start(t, async (key) => {
    const count = (attempts.get(key) ?? 0) + 1;
    attempts.set(key, count);
    if (key === 'bad' && count < 4) throw new Error('not yet');
    if (key === 'bad') succeeded.resolve();
    return {};
  });
  queue.add('bad');
  queue.add('good');
  await succeeded.promise;
  await controller.idle();
  assert.deepEqual(
    [...attempts],
    [
      ['bad', 4],
      ['good', 1],
    ],
  );
});

test('a key is reconciled again after the time that it asked for', async (t) => {
  let count = 0;
  const again = Promise.withResolvers<void>();
  const { queue } = start(t, async () => {
    count += 1;
    if (count === 2) again.resolve();
    return count === 1 ? { requeueAfterMs: 1 } : {};
  });
  queue.add('a');
  await again.promise;
});

test('a stop waits for running reconciliations, and starts no others', async (t) => {
  const entered = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const done: string[] = [];
  const { queue, controller } = start(
    t,
    async (key) => {
      entered.resolve();
      await finish.promise;
      done.push(key);
      return {};
    },
    1,
  );
  queue.add('a');
  queue.add('b');
  await entered.promise;
  const idle = controller.idle();
  const stopped = controller.stop();
  finish.resolve();
  await stopped;
  assert.deepEqual(done, ['a']);
  await idle;
});

test('the time to effect starts when a change is first seen, includes failures, and is measured only where there was an effect', async (t) => {
  const effectsMs: number[] = [];
  const observer: ControllerObserver = {
    started: () => {},
    active: () => {},
    reconciled: () => {},
    tookEffect: (tookMs) => effectsMs.push(tookMs),
  };
  let attempts = 0;
  const seenAtMs = performance.now();
  let effectAtMs = 0;
  const done = Promise.withResolvers<void>();
  const reconcile: Reconcile<string> = async (key) => {
    if (key === 'as-it-should-be') return {};
    attempts += 1;
    if (attempts < 3) throw new Error('not yet');
    effectAtMs = performance.now();
    done.resolve();
    return { effectAtMs };
  };
  const { queue, controller } = start(t, reconcile, 1, observer);
  queue.add('as-it-should-be');
  queue.add('failing');
  const addedAtMs = performance.now();
  await done.promise;
  await controller.idle();
  assert.equal(effectsMs.length, 1);
  const [tookMs = 0] = effectsMs;
  assert.ok(tookMs <= effectAtMs - seenAtMs && tookMs >= effectAtMs - addedAtMs, `${tookMs} ms`);
});

test('whoever listens hears of reconciliations that changed something or failed, and of no others', async (t) => {
  const heard: ReconciledWork[] = [];
  const failure = new Error('deadlock detected');
  const queue = makeWorkQueue<string>({ baseDelayMs: 1, maxDelayMs: 4 });
  let failures = 0;
  const controller = startController({
    ...{ name: 'Persona', queue, concurrency: 1, log: pino({ level: 'silent' }) },
    async reconcile(key) {
      if (key.endsWith('same')) return {};
      if (key.endsWith('waiting') && failures < 2) {
        failures += 1;
        throw failures === 1 ? failure : new WaitingError('the database cannot be used');
      }
      return { effectAtMs: performance.now() };
    },
    onWork: (work) => heard.push(work),
  });
  atEnd(t, () => controller.stop());
  for (const key of ['shop/same', 'shop/changed', 'waiting']) queue.add(key);
  await until(() => heard.length >= 3, 'all of them');
  assert.deepEqual(
    heard.map(({ startedTicks: _, ...work }) => work),
    [
      { controller: 'persona', namespace: 'shop', name: 'changed', error: undefined },
      { controller: 'persona', namespace: undefined, name: 'waiting', error: failure },
      { controller: 'persona', namespace: undefined, name: 'waiting', error: undefined },
    ],
  );
});
