import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recent } from '../../../proxy/conversations/recent.ts';

test('at least the newest half stays, at most all of them, and what is used stays with it', () => {
  const recent = new Recent<string>(10);
  assert.ok(recent.isEmpty);
  for (let key = 0; key < 100; key += 1) {
    recent.set(key, String(key));
    assert.equal(recent.get(0), '0');
  }
  const left = Array.from({ length: 100 }, (_, key) => key).filter((key) => recent.get(key) !== undefined);
  assert.ok(left.length >= 5 && left.length <= 10, left.join());
  for (const key of [0, 97, 98, 99]) assert.equal(recent.get(key), String(key));
  recent.set(99, 'other');
  assert.equal(recent.get(99), 'other');
});
