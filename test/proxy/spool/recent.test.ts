import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeRecent } from '../../../proxy/spool/recent.ts';

test('at least the newest entries up to half of the capacity are remembered, and never more than the capacity', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30), { maxLength: 100 }), fc.integer({ min: 1, max: 6 }), (keys, half) => {
      const recent = makeRecent<number>(half * 2);
      for (const [index, key] of keys.entries()) recent.set(String(key), index);
      const known = [...new Set(keys)].filter((key) => recent.get(String(key)) !== undefined);
      assert.ok(known.length <= half * 2);
      for (const key of new Set(keys.slice(-half))) assert.equal(recent.get(String(key)), keys.lastIndexOf(key));
      for (const key of known) assert.equal(recent.get(String(key)), keys.lastIndexOf(key));
    }),
  );
});
