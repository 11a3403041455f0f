import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { startEmbeddedPostgres } from '../../../cli/embedded-postgres.ts';
import { atEnd } from '../../scope.ts';
import { makeDirectory, refusal, settings } from './harness.ts';

/** A database made once, which every test leaves stopped and sound. */
const directory = join(tmpdir(), `chaperone-embedded-${randomUUID()}`);

before(async () => {
  await (await startEmbeddedPostgres({ directory, settings })).stop();
});
after(() => rm(directory, { recursive: true, force: true }));

async function copyDatabase(t: TestContext): Promise<string> {
  const copy = join(await makeDirectory(t), 'copy');
  await cp(directory, copy, { recursive: true });
  return copy;
}

/** Without the caches that a server writes and removes as it likes. */
async function listData(database: string): Promise<Set<string>> {
  const names = await readdir(join(database, 'data'), { recursive: true });
  return new Set(names.filter((name) => !name.endsWith('pg_internal.init')));
}

describe('a start that cannot succeed', () => {
  const cases: { what: string; spoil: (directory: string) => Promise<void>; code: string; message: RegExp }[] = [
    {
      what: 'data of another version',
      spoil: (copy) => writeFile(join(copy, 'data', 'PG_VERSION'), '15\n'),
      code: 'directory-corrupt',
      message: /made by PostgreSQL 15, and this is PostgreSQL \d+\. Restore it from a backup, or move it away/,
    },
    {
      what: 'data without its control file',
      spoil: (copy) => rm(join(copy, 'data', 'global', 'pg_control')),
      code: 'directory-corrupt',
      message: /is incomplete/,
    },
    {
      what: 'a truncated control file',
      spoil: (copy) => writeFile(join(copy, 'data', 'global', 'pg_control'), ''),
      code: 'start-failed',
      message: /pg_control/,
    },
    {
      what: 'an empty data directory',
      spoil: async (copy) => {
        await rm(join(copy, 'data'), { recursive: true });
        await mkdir(join(copy, 'data'));
      },
      code: 'directory-corrupt',
      message: /is incomplete/,
    },
    {
      what: 'a lost password',
      spoil: (copy) => rm(join(copy, 'owner.password')),
      code: 'directory-corrupt',
      message: /is incomplete/,
    },
    {
      what: 'a wrong password',
      spoil: (copy) => writeFile(join(copy, 'superuser.password'), 'wrong'),
      code: 'start-failed',
      message: /password authentication failed/,
    },
    {
      what: 'files of something else',
      spoil: (copy) => writeFile(join(copy, 'PG_VERSION'), '18\n'),
      code: 'directory-foreign',
      message: /\(PG_VERSION\)\. Choose another data directory/,
    },
  ];
  for (const { what, spoil, code, message } of cases) {
    test(`names the directory and leaves it unchanged: ${what}`, async (t) => {
      const copy = await copyDatabase(t);
      await spoil(copy);
      const before = await listData(copy);

      await assert.rejects(startEmbeddedPostgres({ directory: copy }), (error: unknown) => {
        assert.ok(error instanceof Error && error.message.includes(copy));
        return refusal(code, message)(error);
      });
      const left = await listData(copy);
      assert.deepEqual([...before.difference(left)], []);
    });
  }

  test('names a path that is no directory', async (t) => {
    const file = join(await makeDirectory(t), 'file');
    await writeFile(file, '');
    await assert.rejects(startEmbeddedPostgres({ directory: file }), refusal('directory-unusable', /EEXIST/));
  });

  test('names a port that is taken', async (t) => {
    const listener = createServer().listen(0, '127.0.0.1');
    atEnd(t, () => listener.close());
    await once(listener, 'listening');
    const address = listener.address();
    assert.ok(address !== null && typeof address === 'object');
    await assert.rejects(
      startEmbeddedPostgres({ directory, port: address.port }),
      refusal('port-in-use', /Address already in use/),
    );
  });

  test('shows the end of the log, and releases the directory', async () => {
    const wrong = { ...settings, shared_buffers: 'plenty' };
    const expected = refusal('start-failed', /invalid value for parameter "shared_buffers": "plenty"/);
    await assert.rejects(startEmbeddedPostgres({ directory, settings: wrong }), expected);
    await (await startEmbeddedPostgres({ directory, settings })).stop();
  });

  test('ends when it is aborted', async () => {
    const signal = AbortSignal.abort(new Error('given up'));
    await assert.rejects(startEmbeddedPostgres({ directory, settings, signal }), { message: 'given up' });
    await (await startEmbeddedPostgres({ directory, settings })).stop();
  });
});
