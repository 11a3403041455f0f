import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeWaiting } from '../../../proxy/spool/waiting.ts';

const place = (length: number) => ({ segment: 1, offset: 0, length });

test('rows are counted by number and by bytes', () => {
  const waiting = makeWaiting();
  waiting.add('calls', 1, place(10), 'req_1');
  waiting.add('ratings', 2, place(5), undefined);
  assert.deepEqual([waiting.depth, waiting.bytes], [2, 15]);
  assert.deepEqual(waiting.remove('calls', 1), place(10));
  assert.equal(waiting.remove('calls', 1), undefined);
  assert.equal(waiting.remove('calls', 2), undefined);
  assert.deepEqual([waiting.depth, waiting.bytes], [1, 5]);
});

test('a settled call is found by its request id, in either table, while it waits', () => {
  const waiting = makeWaiting();
  waiting.add('calls', 1, place(1), 'req_1');
  waiting.add('settlements', 2, place(2), 'req_2');
  waiting.add('pending', 3, place(3), undefined);
  const find = () => ['req_1', 'req_2', 'req_3'].map((id) => waiting.findCall(id)?.place.length);
  assert.deepEqual(find(), [1, 2, undefined]);
  waiting.remove('calls', 1);
  assert.deepEqual(find(), [undefined, 2, undefined]);
});

test('the rows of a table are listed in the order of their arrival', () => {
  const waiting = makeWaiting();
  for (const id of [3, 1, 2]) waiting.add('calls', id, place(1), undefined);
  waiting.remove('calls', 1);
  assert.deepEqual(
    [...waiting.rows('calls')].map(([id]) => id),
    [3, 2],
  );
});

test('a mark is passed when all rows from before it have left', () => {
  const waiting = makeWaiting();
  assert.ok(waiting.hasLeft(waiting.mark()));
  waiting.add('calls', 1, place(1), undefined);
  waiting.add('ratings', 2, place(1), undefined);
  const mark = waiting.mark();
  waiting.add('calls', 3, place(1), undefined);
  waiting.remove('calls', 1);
  assert.ok(!waiting.hasLeft(mark));
  waiting.remove('ratings', 2);
  assert.ok(waiting.hasLeft(mark));
});
