import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDatabase } from '../../../cli/local/database.ts';
import { layDatabase } from '../../database.ts';
import { makeDirectory } from '../../directories.ts';
import { until } from '../../until.ts';
import { isAlive } from '../embedded-postgres/harness.ts';

test('a database that stops while it is being restarted leaves no process behind', async (t) => {
  const directory = await makeDirectory(t);
  await layDatabase(directory);
  const faults: string[] = [];
  const database = await startDatabase({
    directory,
    log: () => {},
    signal: new AbortController().signal,
    onFault: (sentence) => faults.push(sentence),
  });
  const readPid = async () => {
    const lines = await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
    return Number.parseInt(lines, 10);
  };
  const first = await readPid();
  process.kill(first, 'SIGKILL');
  const second = await until(async () => {
    const pid = await readPid();
    return pid > 0 && pid !== first && pid;
  }, 'the next process');
  await database.stop();
  assert.ok(!isAlive(second));
  assert.equal(faults.length, 1);
});
