import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRetries } from '../../../proxy/spool/retries.ts';
import { until } from '../../until.ts';

test('work runs again while there is more, but never twice at once', async () => {
  let left = 3;
  let running = 0;
  const retries = makeRetries(
    async () => {
      running += 1;
      assert.equal(running, 1);
      await new Promise(setImmediate);
      left -= 1;
      running -= 1;
    },
    () => left > 0,
    () => assert.fail(),
  );
  retries.start();
  retries.start();
  await until(() => left === 0, 'all work');
  await retries.stop();
  assert.equal(left, 0);
});

test('failed work is reported and tried again', async () => {
  const failures: unknown[] = [];
  let isDone = false;
  const retries = makeRetries(
    async () => {
      if (failures.length < 2) throw new Error('away');
      isDone = true;
    },
    () => !isDone,
    (error) => failures.push(error),
  );
  retries.start();
  await until(() => isDone, 'the third attempt');
  assert.equal(failures.length, 2);
  await retries.stop();
});

test('a stop waits for running work, and nothing starts afterwards', async () => {
  let starts = 0;
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  const retries = makeRetries(
    async () => {
      starts += 1;
      await isOver;
    },
    () => true,
    () => assert.fail(),
  );
  retries.start();
  await until(() => starts === 1, 'the work to start');
  let isStopped = false;
  const stopped = retries.stop().then(() => {
    isStopped = true;
  });
  await new Promise(setImmediate);
  assert.equal(isStopped, false);
  end();
  await stopped;
  retries.start();
  await new Promise(setImmediate);
  assert.equal(starts, 1);
});
