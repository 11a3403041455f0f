import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type Account, commandAs } from './account.ts';
import { EmbeddedPostgresError } from './error.ts';
import { readCommandLine, stopServer } from './server-process.ts';

export interface Postmaster {
  readonly pid: number;
  /** Resolves when the server has ended for any reason. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

export interface StartRequest {
  readonly postgres: string;
  readonly account: Account;
  readonly directory: string;
  readonly settings: Readonly<Record<string, string>>;
  /** The superuser's URL, for a test connection. */
  readonly url: string;
  /** SQL that the connection runs. It must be safe to repeat. */
  readonly statements: string;
  readonly signal: AbortSignal | undefined;
}

const readyWithinMs = 60_000;

/**
 * Starts a server on `directory/data` and waits until it answers a real connection. It runs in its own session, so that
 * Ctrl-C in a terminal reaches only this process, which stops the server in order.
 *
 * @throws EmbeddedPostgresError `port-in-use`, `shared-memory-in-use` or `start-failed`, with the log's last lines
 */
export async function startPostmaster(request: StartRequest): Promise<Postmaster> {
  const log = join(request.directory, 'postgres.log');
  const settings = Object.entries(request.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const args = ['-D', join(request.directory, 'data'), ...settings];
  const command = commandAs(request.account, request.postgres, args);
  const output = await open(log, 'w', 0o600);
  const child = spawn(command.file, command.args, {
    ...command.options,
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  await output.close();
  const { pid } = child;
  if (pid === undefined) throw new EmbeddedPostgresError('start-failed', `Cannot run ${command.file}.`);
  const postmaster = {
    pid,
    exited,
    stop: async () => {
      // Once the process has ended, its id may belong to another program.
      if (!hasExited(child)) await stopServer(pid);
      await exited;
    },
  };
  try {
    await untilReady(child, exited, request);
    return postmaster;
  } catch (error) {
    await postmaster.stop();
    throw error instanceof EmbeddedPostgresError || request.signal?.aborted ? error : await explain(error, log);
  }
}

async function untilReady(
  child: ChildProcess,
  exited: Promise<void>,
  { directory, url, statements, signal }: StartRequest,
): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  // Another program may be listening on the port, so check that the server is ready before connecting.
  for (let delayMs = 5; !(await isReady(directory, child)); delayMs = Math.min(delayMs * 1.5, 100)) {
    signal?.throwIfAborted();
    if (hasExited(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
    if (Date.now() > deadline) throw new Error(`it was not ready within ${readyWithinMs / 1000} s`);
    await Promise.race([exited, sleep(delayMs)]);
  }
  await connect(url, statements);
}

async function isReady(directory: string, child: ChildProcess): Promise<boolean> {
  const { pid, status } = await readPidFile(directory);
  return pid === child.pid && status === 'ready';
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function connect(connectionString: string, statements: string): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(statements);
  } finally {
    await client.end().catch(() => {});
  }
}

async function explain(cause: unknown, log: string): Promise<EmbeddedPostgresError> {
  const lines = (await readFile(log, 'utf8')).trim().split('\n');
  const end = lines.slice(-20).join('\n');
  if (end.includes('could not bind')) {
    return new EmbeddedPostgresError('port-in-use', `PostgreSQL's port is in use by another process:\n${end}`, {
      cause,
    });
  }
  if (end.includes('pre-existing shared memory block')) {
    return new EmbeddedPostgresError('shared-memory-in-use', `A killed PostgreSQL has not ended:\n${end}`, { cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EmbeddedPostgresError('start-failed', `PostgreSQL did not start (${reason}). ${log} ends with:\n${end}`, {
    cause,
  });
}

/**
 * Stops a server that a killed process left running on `directory/data`, and removes a stale `postmaster.pid`. The
 * process id in that file may now belong to another program, and PostgreSQL would refuse to start.
 *
 * @returns whether there was a server to stop
 */
export async function stopLeftover(directory: string): Promise<boolean> {
  const { pid } = await readPidFile(directory);
  const commandLine = pid > 0 ? await readCommandLine(pid) : '';
  const ours = commandLine.includes(`-D ${join(directory, 'data')} `);
  if (ours) await stopServer(pid);
  // A PostgreSQL that was started through another path may still use this directory. PostgreSQL itself checks that.
  else if (!commandLine.includes('postgres')) await rm(pidFile(directory), { force: true });
  return ours;
}

/** Lines 1 and 8 of `postmaster.pid`; see PostgreSQL's src/include/utils/pidfile.h. */
async function readPidFile(directory: string): Promise<{ pid: number; status: string | undefined }> {
  const lines = (await readFile(pidFile(directory), 'utf8').catch(() => '')).split('\n');
  return { pid: Number.parseInt(lines[0] ?? '', 10), status: lines[7]?.trim() };
}

function pidFile(directory: string): string {
  return join(directory, 'data', 'postmaster.pid');
}
