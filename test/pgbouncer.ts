import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from './free-port.ts';

const program = process.env.PGBOUNCER ?? 'pgbouncer';

/** For a suite's options: why it is skipped. False: it runs. */
export const skip =
  spawnSync(program, ['--version']).status !== 0 && 'pgbouncer is not installed; name it in PGBOUNCER, or install it';

const startDeadlineMs = 60_000;

/** PgBouncer refuses to run as root. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

export interface PgBouncer {
  readonly port: number;
  /** Of its process now. */
  pid(): number | undefined;
  /** Stops it with all connections, and starts it again on the same port. */
  restart(): Promise<void>;
}

/** Releases what was started. */
export interface PgBouncerScope {
  after(release: () => unknown): void;
}

export interface PgBouncerOptions {
  readonly poolMode: 'transaction' | 'session';
  readonly databasePort: number;
  /** The superuser's URL of the database with the organizations' roles. */
  readonly superuserUrl: string;
  /** Settings of the section [pgbouncer], in addition to those of the set-up or in their place. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * The set-up from docs/kubernetes.md: PgBouncer looks up organizations' passwords in the database, and has none itself.
 */
const preparation = `
  create role pgbouncer login password 'pooled';
  create schema pgbouncer;
  create function pgbouncer.login(name text) returns table (username text, secret text)
    language sql stable security definer set search_path = pg_catalog
    as $$ select rolname::text, rolpassword from pg_authid
          where rolname = name and rolname like 'chaperone\\_org\\_%' and rolcanlogin $$;
  revoke all on function pgbouncer.login(text) from public;
  grant usage on schema pgbouncer to pgbouncer;
  grant execute on function pgbouncer.login(text) to pgbouncer`;

export async function startPgBouncer(scope: PgBouncerScope, options: PgBouncerOptions): Promise<PgBouncer> {
  const superuser = new Client({ connectionString: options.superuserUrl });
  await superuser.connect();
  await superuser.query(preparation);
  await superuser.end();
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-pgbouncer-'));
  scope.after(() => rm(directory, { recursive: true }));
  const port = await freePort();
  const configuration = join(directory, 'pgbouncer.ini');
  await writeFile(join(directory, 'users.txt'), '"pgbouncer" "pooled"\n');
  await writeFile(configuration, configurationOf(directory, port, options));
  await chmod(directory, 0o755);
  if (nobody) await chown(directory, nobody.uid, nobody.gid);

  let child: ChildProcess;
  const start = async () => {
    child = spawn(program, ['--quiet', configuration], { stdio: 'ignore', ...nobody });
    await once(child, 'spawn');
    const url = `postgres://pgbouncer:pooled@127.0.0.1:${port}${new URL(options.superuserUrl).pathname}`;
    const deadline = performance.now() + startDeadlineMs;
    while (!(await canConnect(url))) {
      if (performance.now() > deadline) throw new Error('PgBouncer does not answer');
      await delay(20);
    }
  };
  const stop = async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  await start();
  scope.after(stop);
  return {
    port,
    pid: () => child.pid,
    async restart() {
      await stop();
      await start();
    },
  };
}

function configurationOf(directory: string, port: number, options: PgBouncerOptions): string {
  const settings = {
    ...{ listen_addr: '127.0.0.1', listen_port: String(port), unix_socket_dir: '' },
    ...{ pool_mode: options.poolMode, default_pool_size: '2', auth_type: 'scram-sha-256' },
    ...{ auth_file: join(directory, 'users.txt'), auth_user: 'pgbouncer' },
    auth_query: 'select username, secret from pgbouncer.login($1)',
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  return `[databases]\n* = host=127.0.0.1 port=${options.databasePort}\n[pgbouncer]\n${lines.join('')}`;
}

async function canConnect(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
