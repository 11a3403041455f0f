import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Scope } from '../scope.ts';

const cache = join(homedir(), '.cache', 'chaperone-tests');
const here = import.meta.dirname;
const execute = promisify(execFile);

/** The clients cannot be installed here, for a reason that is not theirs. */
export class CannotInstall extends Error {
  override readonly name = 'CannotInstall';
}

/**
 * Installs the clients for Node at the versions of `package-lock.json` beside this file.
 *
 * @returns a directory with a copy of the programs, which find the clients from there
 * @throws {CannotInstall} where the registry cannot be reached
 */
export async function installClients(scope: Scope): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const installed = await installOnce(`clients-${platform}`, ['package-lock.json', 'package.json'], runNpm);
  const programs = await mkdtemp(join(installed, 'run-'));
  scope.after(() => rm(programs, { recursive: true, force: true }));
  await cp(join(here, 'programs'), programs, { recursive: true });
  return programs;
}

/**
 * Installs the packages of a folder's `package-lock.json`.
 *
 * @returns the directory that has their `node_modules`
 * @throws {CannotInstall} where the registry cannot be reached
 */
export function installPackages(name: string, folder: string): Promise<string> {
  return installOnce(name, ['package-lock.json', 'package.json'], runNpm, folder);
}

/**
 * Installs the clients for Python at the versions of `requirements.txt` in a folder, which is that of this file if absent.
 *
 * @returns the directory for `PYTHONPATH`; its `bin` has the commands
 * @throws {CannotInstall} where there is no Python with pip, or the registry cannot be reached
 */
export async function installPythonClients(folder = here): Promise<string> {
  const python = await execute('python3', ['-c', 'import pip, sys; print(sys.implementation.cache_tag)']).catch(
    (cause: unknown) => {
      throw new CannotInstall('Python with pip is needed', { cause });
    },
  );
  const name = `clients-${process.platform}-${process.arch}-${python.stdout.trim()}`;
  return join(await installOnce(name, ['requirements.txt'], runPip, folder), 'packages');
}

/**
 * Installs outside of the repository, once for each content of these files. Of two runs that install at once, each
 * installs for itself, and the first to be ready is what both use.
 */
async function installOnce(
  name: string,
  files: readonly string[],
  install: (directory: string) => Promise<void>,
  folder = here,
): Promise<string> {
  const digest = createHash('sha256');
  for (const file of files) digest.update(await readFile(join(folder, file)));
  const directory = join(cache, `${name}-${digest.digest('hex').slice(0, 16)}`);
  if (await isThere(directory)) return directory;
  await mkdir(cache, { recursive: true });
  const own = await mkdtemp(join(cache, 'installing-'));
  try {
    for (const file of files) await cp(join(folder, file), join(own, file));
    await install(own);
    await rename(own, directory);
  } catch (error) {
    if (!(await isThere(directory))) throw error;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  return directory;
}

async function runNpm(cwd: string): Promise<void> {
  // Each of the clients says which version of others it would like; the lock says which it gets.
  const options = ['--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'];
  const npm = process.env.npm_execpath;
  const [command, prefix] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const isUnreachable = /^npm error code (?:ENOTFOUND|EAI_AGAIN|ECONN\w+|E?TIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)$/m;
  await run(command, [...prefix, 'ci', ...options], cwd, isUnreachable);
}

async function runPip(cwd: string): Promise<void> {
  const options = [
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--no-compile',
    '--retries=1',
    '--target=packages',
  ];
  // What pip says when it has found no index to ask.
  const isUnreachable = /Failed to establish a new connection|Name or service not known|timed out|Connection refused/;
  await run('python3', ['-m', 'pip', 'install', ...options, '-r', 'requirements.txt'], cwd, isUnreachable);
}

async function run(command: string, args: readonly string[], cwd: string, isUnreachable: RegExp): Promise<void> {
  try {
    await execute(command, args, { cwd });
  } catch (cause) {
    const isTheirs = !(cause instanceof Error) || !isUnreachable.test(cause.message);
    throw isTheirs ? cause : new CannotInstall('the package registry cannot be reached', { cause });
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
