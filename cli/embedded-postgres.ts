import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAccount } from './embedded-postgres/account.ts';
import { prepareBinaries } from './embedded-postgres/binaries.ts';
import {
  checkDataDirectory,
  createDataDirectory,
  findDataOwner,
  openDirectory,
  owner,
  superuser,
} from './embedded-postgres/data-directory.ts';
import { EmbeddedPostgresError } from './embedded-postgres/error.ts';
import { lockDirectory } from './embedded-postgres/lock.ts';
import { type Postmaster, type StartRequest, startPostmaster, stopLeftover } from './embedded-postgres/postmaster.ts';

export { EmbeddedPostgresError } from './embedded-postgres/error.ts';

export interface EmbeddedPostgresOptions {
  /** Has the database, its log and its passwords. Created where missing. */
  readonly directory: string;
  /** The port on 127.0.0.1. Absent: a free one. */
  readonly port?: number;
  /** Server settings, named as in postgresql.conf. They override those chosen here. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called with a sentence about each step that takes noticeable time. */
  readonly log?: (message: string) => void;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
}

export interface EmbeddedPostgres {
  /** URL of the role `chaperone`, which owns the database and may create roles, but is not a superuser. */
  readonly url: string;
  readonly superuserUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server has ended for any reason. */
  readonly exited: Promise<void>;
  /** Disconnects everyone, and resolves when the server's process is gone. It may be called again. */
  stop(): Promise<void>;
}

const defaultSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  // Connections that are reserved for the owner.
  reserved_connections: '10',
  // Keeps a statement of an organization from filling the disk.
  temp_file_limit: '4GB',
  // Calls arrive in bursts. If the buffers are too small, inserts have to write pages themselves, and more of them
  // after each checkpoint.
  shared_buffers: '256MB',
  wal_buffers: '16MB',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};

/** Organizations' roles must not connect to the default databases: a role that owns objects there cannot be dropped. */
const privileges = `
  grant pg_use_reserved_connections to ${owner};
  do $$
  declare
    place name;
  begin
    for place in select datname from pg_database where datname in ('postgres', 'template1') loop
      execute format('revoke connect on database %I from public', place);
      execute format('grant connect on database %I to ${owner}', place);
    end loop;
  end
  $$`;

const sharedMemoryPatienceMs = 10_000;

/**
 * Starts a PostgreSQL from the binaries that npm installed. It creates the database where there is none, stops a server
 * that a killed process left running, and waits until the server answers connections.
 *
 * @throws EmbeddedPostgresError with a message that names the directory and what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const directory = await openDirectory(options.directory);
  const unlock = lockDirectory(directory);
  try {
    const binaries = await prepareBinaries();
    const dataOwner = await findDataOwner(directory);
    const { account, version } = await chooseAccount(binaries, directory, dataOwner);
    if (dataOwner === undefined) {
      options.log?.(`Creating a database in ${directory}.`);
      await createDataDirectory(binaries, account, directory);
    }
    const passwords = await checkDataDirectory(directory, version, account);
    if (await stopLeftover(directory)) options.log?.(`Stopped the PostgreSQL left running in ${directory}.`);

    const { port, postmaster } = await startOnPort(options.port, (port) => ({
      postgres: binaries.postgres,
      account,
      directory,
      settings: { ...defaultSettings, port: String(port), ...options.settings },
      url: makeUrl(superuser, passwords.superuser, port),
      statements: privileges,
      signal: options.signal,
    }));
    const exited = postmaster.exited.then(unlock);
    return {
      url: makeUrl(owner, passwords.owner, port),
      superuserUrl: makeUrl(superuser, passwords.superuser, port),
      port,
      pid: postmaster.pid,
      exited,
      stop: async () => {
        await postmaster.stop();
        await exited;
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * Tries several times: another process may take a free port before PostgreSQL binds it, and a killed server's children
 * need a moment to end.
 */
async function startOnPort(
  wanted: number | undefined,
  makeRequest: (port: number) => StartRequest,
): Promise<{ port: number; postmaster: Postmaster }> {
  const deadline = Date.now() + sharedMemoryPatienceMs;
  for (;;) {
    const port = wanted ?? (await findFreePort());
    try {
      return { port, postmaster: await startPostmaster(makeRequest(port)) };
    } catch (error) {
      const passing =
        error instanceof EmbeddedPostgresError &&
        (error.code === 'shared-memory-in-use' || (error.code === 'port-in-use' && wanted === undefined));
      if (!passing || Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port');
  return address.port;
}

function makeUrl(role: string, password: string, port: number): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${owner}`;
}
