import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openReserve } from '../../../proxy/spool/reserve.ts';
import { makeDirectory } from '../../directories.ts';

test('room that was given up is taken again once there is some, and is tried once a second', async (t) => {
  const directory = join(await makeDirectory(t), 'spool');
  mkdirSync(directory);
  let now = 0;
  const reserve = openReserve(directory, () => now);
  assert.equal(statSync(join(directory, 'reserve')).size, 2 ** 20);
  assert.equal(reserve.isGivenUp(), false);
  reserve.giveUp();
  assert.deepEqual(readdirSync(directory), []);
  assert.equal(reserve.isGivenUp(), true);
  rmSync(directory, { recursive: true });
  now = 1_000;
  assert.equal(reserve.isGivenUp(), true);
  mkdirSync(directory);
  now = 1_500;
  assert.equal(reserve.isGivenUp(), true);
  now = 2_000;
  assert.equal(reserve.isGivenUp(), false);
  assert.equal(statSync(join(directory, 'reserve')).size, 2 ** 20);
});
