import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateDataKeys } from '../../../database/envelope.ts';
import { turnDataKeys } from '../../../operator/organizations/keys.ts';

const nothing = { issue: false, drop: [], distrust: [], nextMs: undefined };

test('data keys that leaked are known as such for ever', () => {
  const first = generateDataKeys();
  const leaked = turnDataKeys(undefined, { ...nothing, use: undefined }, first, 100, undefined);
  assert.equal(leaked.leakedBeforeS, undefined);
  const asked = turnDataKeys(leaked, { ...nothing, use: first.current }, generateDataKeys(), 200, 200_900);
  assert.equal(asked.leakedBeforeS, 200);
  // The annotation was removed, then set to an earlier time.
  for (const moment of [undefined, 50_000])
    assert.equal(
      turnDataKeys(asked, { ...nothing, use: first.current }, undefined, 300, moment).leakedBeforeS,
      200,
      String(moment),
    );
});
