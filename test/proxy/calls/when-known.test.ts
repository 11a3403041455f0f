import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runStep, whenKnown } from '../../../proxy/calls/when-known.ts';

test('a step with a known value runs in the same turn', () => {
  assert.equal(
    whenKnown(20, (value) => value + 1),
    21,
  );
});

test('a step with a promise runs when the promise resolves', async () => {
  const result = whenKnown(Promise.resolve(20), (value) => value + 1);
  assert.ok(result instanceof Promise);
  assert.equal(await result, 21);
});

test('a step’s failure is passed on, whether it is thrown or rejected later', async () => {
  const failures: string[] = [];
  const onFailure = (error: unknown) => void failures.push(String(error));
  runStep(() => {
    throw new Error('now');
  }, onFailure);
  assert.deepEqual(failures, ['Error: now']);
  await new Promise<void>((resolve) => {
    runStep(
      () => Promise.reject(new Error('later')),
      (error) => {
        onFailure(error);
        resolve();
      },
    );
  });
  assert.deepEqual(failures, ['Error: now', 'Error: later']);
  runStep(() => {}, onFailure);
  assert.equal(failures.length, 2);
});
