import { execFile } from 'node:child_process';
import { cp, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeDirectory, repository } from '../../directories.ts';
import type { Scope } from '../../scope.ts';
import { CannotInstall } from '../install.ts';

const execute = promisify(execFile);
/** Where Maven keeps what it has downloaded. */
const downloads = join(homedir(), '.cache', 'chaperone-tests', 'maven');

/** What Maven says when it has found no registry to ask. */
const isUnreachable =
  /Unknown host|Connection refused|timed out|Network is unreachable|No route to host|UnknownHostException/i;

/** Runs a program of one file with the client. */
export type RunJava = (program: string, args: readonly string[], env: NodeJS.ProcessEnv) => Promise<string>;

/**
 * Packs `clients/java` as for a registry.
 *
 * @throws {CannotInstall} where there is no JDK of version 17 or later with Maven, or the registry cannot be reached
 */
export async function installJavaPackage(scope: Scope): Promise<RunJava> {
  await requireJdk();
  const source = join(await makeDirectory(scope), 'java');
  const isSource = (path: string) => !/\/target(?:\/|$)/.test(path);
  await cp(join(repository, 'clients', 'java'), source, { recursive: true, filter: isSource });
  const options = ['--batch-mode', '--quiet', '--no-transfer-progress', `-Dmaven.repo.local=${downloads}`];
  try {
    await execute('mvn', [...options, 'package'], { cwd: source });
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    if (isUnreachable.test(stdout + stderr))
      throw new CannotInstall('the package registry cannot be reached', { cause });
    throw new Error(`The package for Java cannot be built:\n${stdout}${stderr}`);
  }
  const packed = (await readdir(join(source, 'target'))).filter((name) => name.endsWith('.jar'));
  const jars = [...packed.map((name) => join(source, 'target', name)), await findGson()];
  const { PATH, HOME } = process.env;
  return async (program, args, env) => {
    const running = ['-XX:TieredStopAtLevel=1', '-Xshare:auto', '--class-path', jars.join(':'), program, ...args];
    return (await execute('java', running, { env: { PATH, HOME, ...env } })).stdout;
  };
}

async function requireJdk(): Promise<void> {
  const missing = (cause: unknown) => {
    throw new CannotInstall('a JDK of version 17 or later and Maven are needed', { cause });
  };
  const { stdout } = await execute('javac', ['-version']).catch(missing);
  await execute('mvn', ['-version']).catch(missing);
  if (Number(/javac (\d+)/.exec(stdout)?.[1]) < 17) missing(stdout);
}

async function findGson(): Promise<string> {
  const folder = join(downloads, 'com', 'google', 'code', 'gson', 'gson');
  const [version = ''] = await readdir(folder);
  return join(folder, version, `gson-${version}.jar`);
}
