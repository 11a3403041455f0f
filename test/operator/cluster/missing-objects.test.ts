import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMissingObjects } from '../../../operator/cluster/directory/missing-objects.ts';

test('an object counts as deleted once it has been missing for 100 ms without a break', () => {
  let time = 0;
  const missing = makeMissingObjects(() => time);
  const one = { kind: 'Persona', namespace: 'default', name: 'one' } as const;
  const two = { kind: 'Persona', namespace: 'default', name: 'two' } as const;
  const at = (milliseconds: number, ...keys: readonly (typeof one | typeof two)[]) => {
    time = milliseconds;
    return missing.update(keys);
  };
  assert.deepEqual(at(0, one), []);
  assert.deepEqual(at(60, one, two), []);
  assert.deepEqual(at(99, one, two), []);
  assert.deepEqual(at(100, one, two), [one]);
  assert.equal(missing.isUnsettled(), true);
  assert.deepEqual(at(130), []);
  assert.equal(missing.isUnsettled(), false);
  assert.deepEqual(at(160, two), []);
  assert.deepEqual(at(260, two), [two]);
});
