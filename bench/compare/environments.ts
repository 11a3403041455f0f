import { execFile } from 'node:child_process';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { plainEnvironment } from '../child.ts';

const run = promisify(execFile);
const installTimeoutMs = 900_000;

/** Two releases of LiteLLM had malicious code. */
const liteLlmRequirement = 'litellm[proxy]!=1.82.7,!=1.82.8';

export interface Environment {
  /** The program to run. */
  readonly program: string;
  readonly version: string;
}

/** Installs Portkey's gateway from npm, unless the directory has it. */
export async function installPortkey(directory: string): Promise<Environment> {
  const home = join(directory, 'node_modules', '@portkey-ai', 'gateway');
  const program = join(home, 'build', 'start-server.js');
  if (!(await exists(program))) {
    await mkdir(directory, { recursive: true });
    const options = ['--no-audit', '--no-fund', '--no-save', '--loglevel=error'];
    await install('npm', ['install', '--prefix', directory, ...options, '@portkey-ai/gateway']);
  }
  const { version }: { version: string } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  return { program, version };
}

/** Installs LiteLLM's proxy from PyPI into a virtual environment, unless the directory has it. */
export async function installLiteLlm(directory: string): Promise<Environment> {
  const python = join(directory, 'bin', 'python');
  const program = join(directory, 'bin', 'litellm');
  if (!(await exists(program))) {
    await install('python3', ['-m', 'venv', directory]);
    await install(python, ['-m', 'pip', 'install', '--quiet', liteLlmRequirement]);
  }
  const { stdout } = await run(python, ['-c', 'import importlib.metadata as m; print(m.version("litellm"))'], {
    env: plainEnvironment,
  });
  return { program, version: stdout.trim() };
}

/** Runs an installer with the user's own settings of its registry. */
async function install(command: string, args: readonly string[]): Promise<void> {
  try {
    await run(command, args, { timeout: installTimeoutMs });
  } catch (cause) {
    throw new Error(reasonOf(command, cause), { cause });
  }
}

function reasonOf(command: string, cause: unknown): string {
  if (!(cause instanceof Error)) return `${command} failed`;
  if ('code' in cause && cause.code === 'ENOENT') return `there is no ${command}`;
  const [last = cause.message] = cause.message.trim().split('\n').slice(-1);
  return `${command}: ${last}`;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
