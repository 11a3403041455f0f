import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeQueue } from '../../proxy/queue.ts';

test('one piece of work runs after the other; what goes before others waits for what runs, in its own order', async () => {
  const queue = makeQueue();
  const log: string[] = [];
  let running = 0;
  const work = (name: string) => async () => {
    running += 1;
    assert.equal(running, 1, 'two at once');
    await Promise.resolve();
    log.push(name);
    running -= 1;
    return name;
  };
  const begun = queue.add(async () => {
    const further = [queue.addNext(work('further 1')), queue.addNext(work('further 2'))];
    await work('first')();
    return further;
  });
  const second = queue.add(work('second'));
  const failing = queue.add(() => Promise.reject(new Error('no')));
  assert.deepEqual(await Promise.all(await begun), ['further 1', 'further 2']);
  await assert.rejects(failing, { message: 'no' });
  assert.equal(await second, 'second');
  await queue.isEmpty();
  assert.deepEqual(log, ['first', 'further 1', 'further 2', 'second']);
  assert.equal(await queue.add(work('third')), 'third');
});
