import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeReusedBytes } from '../../database/reused-bytes.ts';

test('the same memory is used again, and grows up to what is kept', () => {
  const memory = makeReusedBytes(1_000);
  const first = memory.take(100);
  assert.equal(first.length, 100);
  assert.equal(memory.take(120).buffer, first.buffer, 'there is some room');
  const grown = memory.take(1_000);
  assert.notEqual(grown.buffer, first.buffer);
  assert.equal(grown.buffer.byteLength, 1_000);
  assert.equal(memory.take(1).buffer, grown.buffer);
  const large = memory.take(1_001);
  assert.equal(large.length, 1_001);
  assert.equal(memory.take(1_000).buffer, grown.buffer, 'a larger one is not kept');
});
