import { spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { type Account, commandAs } from './account.ts';
import { EmbeddedPostgresError } from './error.ts';
import { readCommandLine, stopServer } from './server-process.ts';

export interface Postmaster {
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

export interface StartRequest {
  readonly postgres: string;
  readonly account: Account;
  readonly directory: string;
  readonly settings: Readonly<Record<string, string>>;
  /** For asking whether it is ready. */
  readonly url: string;
  readonly signal: AbortSignal | undefined;
}

const readyWithinMs = 60_000;
const cannotConnectNow = '57P03';

/**
 * Starts a server on `directory/data` and waits until it answers a real connection. It runs in a session of its own, so
 * that Ctrl-C in a terminal reaches only its owner, who stops it in order.
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
  const state = { exited: false };
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => resolve()).once('error', () => resolve()),
  ).then(() => {
    state.exited = true;
  });
  await output.close();
  const { pid } = child;
  if (pid === undefined) throw new EmbeddedPostgresError('start-failed', `Cannot run ${command.file}.`);
  const postmaster = {
    pid,
    exited,
    // Once the process has been reaped, its id may be another program's.
    stop: async () => {
      if (!state.exited) await stopServer(pid);
      await exited;
    },
  };
  try {
    await untilReady(exited, state, request);
    return postmaster;
  } catch (error) {
    await postmaster.stop();
    throw error instanceof EmbeddedPostgresError || request.signal?.aborted ? error : await explain(error, log);
  }
}

async function untilReady(
  exited: Promise<void>,
  state: { readonly exited: boolean },
  { url, signal }: StartRequest,
): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  for (let delayMs = 10; ; delayMs = Math.min(delayMs * 1.5, 250)) {
    signal?.throwIfAborted();
    const refusal = await connect(url);
    if (refusal === undefined) return;
    if (state.exited || isFinal(refusal) || Date.now() > deadline) throw refusal;
    await Promise.race([exited, sleep(delayMs)]);
  }
}

async function connect(connectionString: string): Promise<unknown> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await client.end().catch(() => {});
  }
}

/** A server that is up and refuses, say, the password will not change its mind. */
function isFinal(refusal: unknown): boolean {
  return refusal instanceof DatabaseError && refusal.code !== cannotConnectNow;
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
 * Stops the server that a killed predecessor left on `directory/data`, and removes a stale `postmaster.pid`, whose
 * process id may by now be another program's, for which PostgreSQL would refuse to start.
 *
 * @returns whether there was a server to stop
 */
export async function stopLeftover(directory: string): Promise<boolean> {
  const data = join(directory, 'data');
  const file = join(data, 'postmaster.pid');
  // Its first line is the process id; see PostgreSQL's src/include/utils/pidfile.h.
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  const alive = pid > 0 && (await readCommandLine(pid)).includes(data);
  if (alive) await stopServer(pid);
  await rm(file, { force: true });
  return alive;
}
