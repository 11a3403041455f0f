import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeUnwritten } from '../../../proxy/spool/unwritten.ts';

test('refused rows are retried each second, one by one, until each is written', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const written: string[] = [];
  const failures: unknown[] = [];
  let room = 0;
  const unwritten = makeUnwritten<string>(
    (id, row) => {
      if (room === 0) throw new RangeError('full');
      room -= 1;
      written.push(`${id} ${row}`);
    },
    (error) => failures.push(error),
  );
  unwritten.add(1, 'a', new RangeError('full'));
  unwritten.add(2, 'b', new RangeError('full'));
  unwritten.add(3, 'c', new RangeError('full'));
  assert.equal(failures.length, 3);
  room = 2;
  t.mock.timers.tick(1_000);
  assert.deepEqual(written, ['1 a', '2 b']);
  assert.deepEqual([...unwritten.values()], ['c']);
  room = 1;
  t.mock.timers.tick(1_000);
  assert.deepEqual(written.slice(2), ['3 c']);
  assert.deepEqual([[...unwritten.values()], failures.length], [[], 4]);
  t.mock.timers.tick(10_000);
  assert.equal(written.length, 3);
});
