import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../cli/embedded-postgres.ts';
import { freePort } from '../free-port.ts';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';
import {
  isAlive,
  makeDirectory,
  query,
  readHandle,
  refusal,
  settings,
  startElsewhere,
} from './embedded-postgres/harness.ts';

/** A database made once, which every test leaves stopped and sound. */
const directory = join(tmpdir(), `chaperone-embedded-${randomUUID()}`);

before(async () => {
  await (await startEmbeddedPostgres({ directory, settings })).stop();
});
after(() => rm(directory, { recursive: true, force: true }));

describe('a running database', () => {
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

  test('reserves connections for its owner when others have taken all they can', async (t) => {
    await query(server.superuserUrl, "create role greedy login password 'greedy'");
    const url = Object.assign(new URL(server.url), { username: 'greedy', password: 'greedy' }).href;
    const taken: Client[] = [];
    atEnd(t, async () => {
      for (const client of taken) await client.end();
      await query(server.superuserUrl, 'drop role greedy');
    });
    const takeAll = async () => {
      for (;;) {
        const client = new Client({ connectionString: url });
        await client.connect();
        taken.push(client);
      }
    };
    await assert.rejects(takeAll, { code: '53300' });
    const [limits] = await query(
      server.url,
      "select current_setting('reserved_connections') as reserved, current_setting('temp_file_limit') as files",
    );
    assert.deepEqual(limits, { reserved: '10', files: '4GB' });
  });

  test('lets no organization’s login into the databases that every server has', async () => {
    const [login] = await query(
      server.superuserUrl,
      `select bool_or(has_database_privilege('pg_monitor', datname, 'connect')) as may
       from pg_database where datname in ('postgres', 'template1')`,
    );
    assert.deepEqual(login, { may: false });
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

  test('does not reveal its passwords', async () => {
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

describe('a data directory', () => {
  test('is used again at the next start, with the same password, also after a crash of both processes', async (t) => {
    const first = await startEmbeddedPostgres({ directory, settings, port: await freePort() });
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
    atEnd(t, () => third.stop());
    assert.deepEqual(await query(third.url, 'select id from crashed'), [{ id: 7 }]);
  });

  test('is used again where its owner was killed, and the server that was left running is stopped', async (t) => {
    const child = startElsewhere(t, directory);
    const left = await readHandle(child);
    await query(left.url, 'create table kept (id integer)');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(isAlive(left.pid));

    const messages: string[] = [];
    const server = await startEmbeddedPostgres({ directory, settings, log: (message) => messages.push(message) });
    atEnd(t, () => server.stop());
    assert.ok(!isAlive(left.pid));
    assert.match(messages.join('\n'), /Stopped the PostgreSQL left running/);
    assert.deepEqual(await query(server.url, 'select * from kept'), []);
  });

  test('is usable where its postmaster.pid now names another program', async (t) => {
    const bystander = spawn('sleep', ['600']);
    atEnd(t, () => bystander.kill());
    await writeFile(join(directory, 'data', 'postmaster.pid'), `${bystander.pid}\n${directory}/data\n`);

    const server = await startEmbeddedPostgres({ directory, settings });
    await server.stop();
    assert.equal(bystander.exitCode ?? bystander.signalCode, null);
  });

  test('is created anew where its creation was killed', async (t) => {
    const directory = await killWhileCreated(t);
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

/** Kills a process while it creates a database. One that was done before the kill came is another's turn. @returns where */
async function killWhileCreated(t: TestContext): Promise<string> {
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    const directory = await makeDirectory(t);
    const child = startElsewhere(t, directory);
    const has = async (prefix: string) => (await readdir(directory)).some((name) => name.startsWith(prefix));
    await until(async () => (await has('initializing-')) || (await has('data')), 'the creation to begin', 60_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    if (await has('initializing-')) return directory;
    // It may have left its server running.
    await (await startEmbeddedPostgres({ directory, settings })).stop();
  }
  throw new Error('No kill came while a database was created');
}
