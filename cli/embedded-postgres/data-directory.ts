import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  access,
  chown,
  constants,
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Account, commandAs, type Owner } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError, hasErrno } from './error.ts';

export interface Passwords {
  readonly owner: string;
  readonly superuser: string;
}

export const superuser = 'postgres';
export const owner = 'chaperone';

const attemptPrefix = 'initializing-';
const passwordFiles = { owner: 'owner.password', superuser: 'superuser.password' };
const ownFiles = ['data', 'lock', 'postgres.log', ...Object.values(passwordFiles)];

/** The owner of the database in `directory`, if there is one. */
export async function findDataOwner(directory: string): Promise<Owner | undefined> {
  try {
    const { uid, gid } = await stat(join(directory, 'data'));
    return { uid, gid };
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Creates the directory where it is missing. It refuses a directory with other files before it writes anything.
 *
 * @returns the real path, which is the same through every symbolic link
 * @throws EmbeddedPostgresError `directory-unusable` or `directory-foreign`
 */
export async function openDirectory(path: string): Promise<string> {
  const [directory, names] = await listDirectory(path);
  const known = (name: string) => ownFiles.includes(name) || name.startsWith('lock-') || name.startsWith(attemptPrefix);
  const foreign = names.find((name) => !known(name));
  if (foreign === undefined) return directory;
  throw new EmbeddedPostgresError(
    'directory-foreign',
    `${directory} holds files that are not of an embedded PostgreSQL (${foreign}). Choose another data directory.`,
  );
}

async function listDirectory(path: string): Promise<[directory: string, names: string[]]> {
  try {
    await mkdir(path, { recursive: true });
    const directory = await realpath(path);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return [directory, await readdir(directory)];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EmbeddedPostgresError(
      'directory-unusable',
      `Cannot keep a database in ${path} (${reason}). Run as the user it belongs to, or choose another data directory.`,
      { cause },
    );
  }
}

/**
 * Creates a database cluster in `directory/data`, with the database `chaperone` and its owner's role. It is created
 * under another name and renamed when complete, so `data` is always complete, even if this process is killed.
 */
export async function createDataDirectory(binaries: Binaries, account: Account, directory: string): Promise<void> {
  await removeAttempts(directory);
  const attempt = await mkdtemp(join(directory, attemptPrefix));
  const passwords = await makePasswords(directory, account);
  if (account.owner) await chown(attempt, account.owner.uid, account.owner.gid);
  await runProgram(account, binaries.initdb, [
    `--pgdata=${attempt}`,
    `--username=${superuser}`,
    `--pwfile=${join(directory, passwordFiles.superuser)}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
    '--no-sync',
  ]);
  // The single-user mode reads SQL from its input, one statement per line. It logs nothing of it, since it has a
  // password.
  const settings = ['-c', 'exit_on_error=on', '-c', 'log_min_messages=error', '-c', 'log_min_error_statement=panic'];
  const sql = [
    `create role ${owner} login createdb createrole password '${passwords.owner}'`,
    `create database ${owner} owner ${owner}`,
  ];
  await runProgram(account, binaries.postgres, ['--single', '-D', attempt, ...settings, 'postgres'], sql.join('\n'));
  await rename(attempt, join(directory, 'data'));
}

/**
 * Checks that `directory/data` is a cluster that this PostgreSQL and this account can use. Data that was complete once
 * is never deleted.
 *
 * @param version what `postgres --version` says, such as `postgres (PostgreSQL) 18.4`
 * @throws EmbeddedPostgresError `directory-corrupt`
 */
export async function checkDataDirectory(directory: string, version: string, account: Account): Promise<Passwords> {
  const data = join(directory, 'data');
  const remedy = 'Restore it from a backup, or move it away to start with an empty database.';
  const corrupt = (what: string, options?: ErrorOptions) =>
    new EmbeddedPostgresError('directory-corrupt', `The database in ${directory} ${what}. ${remedy}`, options);
  const { uid } = await stat(data);
  const present = process.getuid?.();
  if (present !== 0 && uid !== present) throw corrupt(`belongs to another user (uid ${uid}), who alone can use it`);
  try {
    const found = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
    const major = /(\d+)\./.exec(version)?.[1];
    if (found !== major) throw corrupt(`was made by PostgreSQL ${found}, and this is PostgreSQL ${major}`);
    for (const needed of ['global/pg_control', 'base', 'pg_wal', 'postgresql.conf']) await stat(join(data, needed));
    if (account.owner && uid === 0) await chownAll(data, account.owner);
    return await readPasswords(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw corrupt('is incomplete', { cause: error });
    throw error;
  }
}

async function removeAttempts(directory: string): Promise<void> {
  const attempts = (await readdir(directory)).filter((name) => name.startsWith(attemptPrefix));
  // The initdb of a killed process may still be writing for a moment.
  for (const name of attempts) await rm(join(directory, name), { recursive: true, force: true, maxRetries: 10 });
}

async function makePasswords(directory: string, account: Account): Promise<Passwords> {
  const passwords = { owner: randomBytes(24).toString('base64url'), superuser: randomBytes(24).toString('base64url') };
  for (const role of ['owner', 'superuser'] as const) {
    const file = join(directory, passwordFiles[role]);
    await rm(file, { force: true });
    await writeFile(file, passwords[role], { mode: 0o600, flag: 'wx' });
    if (account.owner) await chown(file, account.owner.uid, account.owner.gid);
  }
  return passwords;
}

async function readPasswords(directory: string): Promise<Passwords> {
  const read = async (file: string) => (await readFile(join(directory, file), 'utf8')).trim();
  return { owner: await read(passwordFiles.owner), superuser: await read(passwordFiles.superuser) };
}

async function chownAll(directory: string, { uid, gid }: Owner): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true })) await lchown(join(directory, entry), uid, gid);
  await lchown(directory, uid, gid);
}

async function runProgram(account: Account, program: string, args: string[], input = ''): Promise<void> {
  const command = commandAs(account, program, args);
  const child = spawn(command.file, command.args, { ...command.options, stdio: 'pipe' });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  // A program that fails early does not read all of its input. Its exit code says more than EPIPE.
  child.stdin.on('error', () => {}).end(input);
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code === 0) return;
  throw new EmbeddedPostgresError('start-failed', `${program} failed with exit code ${code}:\n${stderr || stdout}`);
}
