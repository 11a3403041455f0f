import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** For the program's standard input. */
  readonly input?: string;
}

/**
 * Runs a program to its end.
 *
 * @returns its standard output, without the last line break
 * @throws where the exit code is not 0; the message has the standard error
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(program, args, { env: { ...process.env, ...options.env }, stdio: 'pipe' });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  // A program that fails early does not read all of its input.
  child.stdin.on('error', () => {}).end(options.input ?? '');
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code === 0) return stdout.trimEnd();
  throw new Error(`${program} ${args.join(' ')} failed (${code}):\n${stderr || stdout}`);
}
