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
  /** Where the database lives and its log and passwords with it. Made where there is none. */
  readonly directory: string;
  /** On 127.0.0.1. Absent: a free one. */
  readonly port?: number;
  /** Server settings by their names in postgresql.conf, over those chosen here. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gets a sentence on anything that takes noticeable time. */
  readonly log?: (message: string) => void;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
}

export interface EmbeddedPostgres {
  /** For the role `chaperone`, which owns the database and may create roles, and is no superuser. */
  readonly url: string;
  readonly superuserUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Disconnects everyone, and returns when the server's process is gone. May be called again. */
  stop(): Promise<void>;
}

const defaultSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  // For the owner, whatever organizations take.
  reserved_connections: '10',
  // No statement of an organization fills the disk.
  temp_file_limit: '4GB',
  // Calls come in many at a time. What does not fit is written by whoever inserts, and more after each checkpoint.
  shared_buffers: '256MB',
  wal_buffers: '16MB',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};

/** An organization's login has no business in the databases that every server has: what it left there would keep it. */
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
 * Starts a PostgreSQL of one's own from the binaries that npm installed: creates the database where there is none,
 * stops a server that a killed predecessor left, and waits until connections are answered.
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

/** A free port may be taken by another process before PostgreSQL binds it, and a killed server's children need a moment to end. */
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
