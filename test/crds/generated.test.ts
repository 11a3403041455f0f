import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findStale } from '../../scripts/generate.ts';

test('generated files are up to date', async () => {
  assert.deepEqual(await findStale(), [], 'run `npm run generate`');
});
