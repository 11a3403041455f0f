import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chown, cp, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { prepareBinaries } from '../../../cli/embedded-postgres/binaries.ts';
import { makeDirectory } from '../../directories.ts';
import { freePort } from '../../free-port.ts';
import { atEnd, type Scope } from '../../scope.ts';
import { until } from '../../until.ts';
import type { Installation } from './installation.ts';

/** A second server that follows the first one, and can take its place. */
export interface Standby {
  readonly port: number;
  readonly url: string;
  /** Takes the place of the first server, which must be gone. */
  promote(): Promise<void>;
  /** Ends it in order, and gives its files to the first server, which must be gone. */
  handBack(): Promise<void>;
}

type Followed = Pick<Installation, 'query' | 'withDatabase' | 'superuserUrl'>;

/** What the server keeps to itself. */
const ownFiles = /^(postmaster\.(pid|opts)|pg_replslot|pg_dynshmem|pg_notify|pg_stat_tmp)$/;

/** Starts a standby from a copy of the running server. Commits wait for it from then on, so it has everything. */
export async function startStandby(scope: Scope, installation: Followed): Promise<Standby> {
  const [row] = await installation.query<{ data_directory: string }>('show data_directory');
  const first = row?.data_directory ?? '';
  const owner = await stat(first);
  const directory = join(await makeDirectory(scope), 'data');
  await copyRunning(installation, first, directory);
  const primary = new URL(installation.superuserUrl);
  const place = `host=127.0.0.1 port=${primary.port} user=${primary.username} password=${primary.password}`;
  await writeFile(join(directory, 'standby.signal'), '');
  await appendFile(join(directory, 'postgresql.auto.conf'), `primary_conninfo = '${place} application_name=standby'\n`);
  await giveTo(dirname(directory), owner);
  const port = await freePort();
  const server = await startServer(scope, directory, owner, port);
  const url = new URL(installation.superuserUrl);
  url.port = String(port);
  await installation.query(`alter system set synchronous_standby_names = 'standby'`);
  await installation.query('select pg_reload_conf()');
  await until(
    async () => (await installation.query(`select from pg_stat_replication where sync_state = 'sync'`)).length === 1,
    'the standby to follow',
  );
  return {
    ...{ port, url: url.href },
    async promote() {
      await ask(url.href, 'alter system reset synchronous_standby_names');
      await ask(url.href, 'select pg_promote()');
    },
    async handBack() {
      server.kill('SIGINT');
      await once(server, 'exit');
      for (const name of await readdir(first)) await rm(join(first, name), { recursive: true });
      await cp(directory, first, { recursive: true });
      await rm(join(first, 'postmaster.pid'), { force: true });
      await giveTo(first, owner);
    },
  };
}

async function copyRunning({ withDatabase }: Followed, from: string, to: string): Promise<void> {
  await withDatabase(async (database) => {
    await database.query(`select pg_backup_start('standby', fast => true)`);
    await cp(from, to, {
      recursive: true,
      filter: (source) => !ownFiles.test(source.slice(from.length + 1)),
    });
    for (const name of ['pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_stat_tmp']) await mkdir(join(to, name));
    const { rows } = await database.query('select labelfile from pg_backup_stop()');
    await writeFile(join(to, 'backup_label'), rows[0].labelfile);
  });
}

async function giveTo(directory: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
  await chown(directory, uid, gid);
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    await chown(join(entry.parentPath, entry.name), uid, gid);
  }
}

async function startServer(
  scope: Scope,
  directory: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
  port: number,
): Promise<ChildProcess> {
  const { postgres } = await prepareBinaries();
  const log = await open(join(dirname(directory), 'postgres.log'), 'a');
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'hot_standby=on'];
  const server = spawn(postgres, ['-D', directory, ...settings.flatMap((setting) => ['-c', setting])], {
    ...{ stdio: ['ignore', log.fd, log.fd], uid, gid },
  });
  await log.close();
  atEnd(scope, async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGQUIT');
    await once(server, 'exit');
  });
  return server;
}

async function ask(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
