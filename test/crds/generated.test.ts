import assert from 'node:assert/strict';
import { test } from 'node:test';
import { staleFiles } from '../../scripts/generate.ts';

test('generated files are up to date', async () => {
  assert.deepEqual(await staleFiles(), [], 'run `npm run generate`');
});
