import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeWorkQueue } from '../../../operator/runtime/work-queue.ts';

type Action = { readonly do: 'add' | 'addLater' | 'take' | 'done'; readonly key: string };

test('a key waits once, is worked on by one, and comes back if it was added meanwhile', async () => {
  const action: fc.Arbitrary<Action> = fc.record({
    do: fc.constantFrom('add', 'addLater', 'take', 'done'),
    key: fc.constantFrom('a', 'b', 'c'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const queue = makeWorkQueue();
      const [soon, later]: [string[], string[]] = [[], []];
      const working = new Set<string>();
      /** Those that were added meanwhile, and whether all of these times were for later. */
      const dirty = new Map<string, boolean>();
      for (const { do: verb, key } of actions) {
        if (verb === 'add' || verb === 'addLater') {
          const isLater = verb === 'addLater';
          queue[verb](key);
          if (working.has(key)) dirty.set(key, isLater && (dirty.get(key) ?? true));
          else if (!soon.includes(key)) {
            if (!isLater) {
              later.splice(0, later.length, ...later.filter((one) => one !== key));
              soon.push(key);
            } else if (!later.includes(key)) later.push(key);
          }
        } else if (verb === 'take' && soon.length + later.length > 0) {
          assert.deepEqual(queue.next(2), [...soon, ...later].slice(0, 2));
          const taken = await queue.take();
          assert.equal(taken, soon.shift() ?? later.shift());
          working.add(taken ?? '');
        } else if (verb === 'done' && working.delete(key)) {
          queue.done(key);
          const isLater = dirty.get(key);
          if (isLater !== undefined) (isLater ? later : soon).push(key);
          dirty.delete(key);
        }
        const depth = soon.length + later.length;
        assert.deepEqual([queue.depth, queue.isIdle], [depth, depth + working.size === 0]);
      }
    }),
    { numRuns: 300 },
  );
});

test('waiting workers get keys in their order', async () => {
  const queue = makeWorkQueue();
  const taken = Promise.all([queue.take(), queue.take()]);
  queue.add('a');
  queue.add('a');
  queue.add('b');
  assert.deepEqual(await taken, ['a', 'b']);
  assert.equal(queue.isIdle, false);
});

test('a queue that is shut down gives and takes nothing', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const queue = makeWorkQueue();
  const taken = queue.take();
  queue.addAfter('later', 10);
  queue.shutDown();
  assert.equal(await taken, undefined);
  queue.add('a');
  queue.addAfter('b', 1);
  t.mock.timers.tick(1_000);
  assert.deepEqual([await queue.take(), queue.depth], [undefined, 0]);
});

test('a delayed key comes at its time, and the earliest time counts', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const queue = makeWorkQueue();
  queue.addAfter('a', 100);
  queue.addAfter('a', 50);
  queue.addAfter('a', 200);
  t.mock.timers.tick(49);
  assert.equal(queue.depth, 0);
  t.mock.timers.tick(1);
  assert.equal(queue.depth, 1);
  t.mock.timers.tick(1_000);
  assert.equal(queue.depth, 1);
});

test('a failing key comes back after a delay that doubles up to a limit, until it is forgotten', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const queue = makeWorkQueue({ baseDelayMs: 100, maxDelayMs: 350 });
  const delayOf = async () => {
    queue.addRateLimited('a');
    let delayMs = 0;
    for (; queue.depth === 0; delayMs += 1) t.mock.timers.tick(1);
    queue.done((await queue.take()) ?? '');
    return delayMs;
  };
  assert.deepEqual([await delayOf(), await delayOf(), await delayOf(), await delayOf()], [100, 200, 350, 350]);
  queue.forget('a');
  assert.equal(await delayOf(), 100);
});

test('a failing key comes back no sooner than stated', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const queue = makeWorkQueue({ baseDelayMs: 100, maxDelayMs: 350 });
  queue.addRateLimited('a', 1_000);
  t.mock.timers.tick(999);
  assert.equal(queue.depth, 0);
  t.mock.timers.tick(1);
  assert.equal(queue.depth, 1);
});

test('many failing keys come back no faster than the bucket allows', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const queue = makeWorkQueue({ baseDelayMs: 1, retriesPerSecond: 10, retryBurst: 5 });
  for (let index = 0; index < 25; index += 1) queue.addRateLimited(`key ${index}`);
  t.mock.timers.tick(1);
  assert.equal(queue.depth, 5);
  t.mock.timers.tick(1_000);
  assert.equal(queue.depth, 15);
  t.mock.timers.tick(1_000);
  assert.equal(queue.depth, 25);
});

test('delayed keys come at once when the queue is woken, and their back-off starts anew', async () => {
  const queue = makeWorkQueue({ baseDelayMs: 3_600_000, maxDelayMs: 7_200_000 });
  for (const key of ['a', 'b']) queue.addRateLimited(key);
  queue.addAfter('c', 3_600_000);
  assert.equal(queue.depth, 0);
  queue.wake();
  assert.deepEqual(queue.next(9).toSorted(), ['a', 'b', 'c']);
  queue.wake();
  assert.equal(queue.depth, 3);
  queue.shutDown();
});
