import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Scope } from '../up/start-up.ts';

const cache = join(homedir(), '.cache', 'chaperone-tests');
const here = import.meta.dirname;

/** The registry cannot be reached from here. */
export class RegistryUnreachable extends Error {
  override readonly name = 'RegistryUnreachable';
}

/**
 * Installs the clients of `package-lock.json` beside this file, once for each version of it, outside of the repository.
 * Of two runs that install at once, each installs for itself, and the first to be ready is what both use.
 *
 * @returns a directory with a copy of the programs, which find the clients from there
 * @throws {RegistryUnreachable}
 */
export async function installClients(scope: Scope): Promise<string> {
  const lock = await readFile(join(here, 'package-lock.json'));
  const platform = `${process.platform}-${process.arch}`;
  const directory = join(cache, `clients-${platform}-${createHash('sha256').update(lock).digest('hex').slice(0, 16)}`);
  if (!(await isThere(directory))) await installInto(directory);
  const programs = await mkdtemp(join(directory, 'run-'));
  scope.after(() => rm(programs, { recursive: true, force: true }));
  await cp(join(here, 'programs'), programs, { recursive: true });
  return programs;
}

async function installInto(directory: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const own = await mkdtemp(join(cache, 'installing-'));
  try {
    for (const file of ['package.json', 'package-lock.json']) await cp(join(here, file), join(own, file));
    await runNpm(own);
    await rename(own, directory);
  } catch (error) {
    if (!(await isThere(directory))) throw error;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function runNpm(cwd: string): Promise<void> {
  // Each of the clients says which version of others it would like; the lock says which it gets.
  const options = ['--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'];
  const npm = process.env.npm_execpath;
  const [command, prefix] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  try {
    await promisify(execFile)(command, [...prefix, 'ci', ...options], { cwd });
  } catch (error) {
    const code = /npm error code (\w+)/.exec(error instanceof Error ? error.message : '')?.[1] ?? '';
    const isUnreachable = /^(ENOTFOUND|EAI_AGAIN|ECONN\w+|E?TIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)$/;
    throw isUnreachable.test(code) ? new RegistryUnreachable(`npm ci: ${code}`, { cause: error }) : error;
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
