import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeDirectory, repository } from '../../directories.ts';
import type { Scope } from '../../scope.ts';
import { installPythonClients } from '../install.ts';

const execute = promisify(execFile);

/**
 * Packs `clients/javascript` as for a registry, and installs what was packed, also under the name that contract 2 has.
 * It has no dependencies, so no registry is asked.
 *
 * @returns a directory whose modules find the package
 */
export async function installJavaScriptPackage(scope: Scope): Promise<string> {
  const source = await copySource(scope, 'javascript');
  const directory = await makeDirectory(scope);
  // As in the tree, where npm finds the compiler in the folders above.
  const PATH = `${join(repository, 'node_modules', '.bin')}:${process.env.PATH}`;
  const npm = (args: readonly string[], cwd: string) => execute('npm', args, { cwd, env: { ...process.env, PATH } });
  await npm(['pack', '--pack-destination', directory], source);
  const packed = (await readdir(directory)).find((name) => name.endsWith('.tgz'));
  const spec = `file:${packed}`;
  const dependencies = { '@chaperone/support': spec, '@ourplatform/sdk': spec };
  await writeFile(join(directory, 'package.json'), JSON.stringify({ type: 'module', dependencies }));
  await npm(['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock'], directory);
  return directory;
}

/** A virtual environment with the client, and programs to run there. */
export interface PythonPackage {
  readonly directory: string;
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string>;
}

/**
 * Builds the wheel of `clients/python` and installs it into a virtual environment of its own. What it depends on comes from
 * where `installPythonClients` has it.
 *
 * @throws {CannotInstall} where there is no Python with pip, or the registry cannot be reached
 */
export async function installPythonPackage(scope: Scope): Promise<PythonPackage> {
  const dependencies = await installPythonClients(import.meta.dirname);
  const source = await copySource(scope, 'python');
  const directory = await makeDirectory(scope);
  const pip = (...args: string[]) =>
    execute('python3', ['-m', 'pip', '--disable-pip-version-check', ...args], {
      cwd: directory,
      env: { ...process.env, PYTHONPATH: dependencies },
    });
  await pip('wheel', '--quiet', '--no-deps', '--no-build-isolation', '--wheel-dir', directory, source);
  const environment = join(directory, 'environment');
  await execute('python3', ['-m', 'venv', '--without-pip', environment]);
  const python = join(environment, 'bin', 'python');
  const { stdout } = await execute(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']);
  await writeFile(join(stdout.trim(), 'dependencies.pth'), `${dependencies}\n`);
  const wheel = (await readdir(directory)).find((name) => name.endsWith('.whl')) ?? '';
  await pip('--python', python, 'install', '--quiet', '--no-index', '--no-deps', wheel);
  const { PATH, HOME } = process.env;
  const run = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    (await execute(python, args, { cwd: directory, env: { PATH, HOME, ...env } })).stdout;
  return { directory, run };
}

/** Packing writes beside the source, so it works on a copy. */
async function copySource(scope: Scope, name: string): Promise<string> {
  const source = join(await makeDirectory(scope), name);
  await mkdir(source);
  const isSource = (path: string) => !/\/(?:dist|node_modules|__pycache__)(?:\/|$)/.test(path);
  await cp(join(repository, 'clients', name), source, { recursive: true, filter: isSource });
  return source;
}
