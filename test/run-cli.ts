import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { commandOf } from './program.ts';

/** Nothing of the person's own: an OPENAI_API_KEY would send the tests' calls to OpenAI. */
export const cliEnvironment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  NODE_COMPILE_CACHE: process.env.CHAPERONE_TEST_COMPILE_CACHE ?? process.env.NODE_COMPILE_CACHE ?? '',
};

/** Runs a command of the CLI to its end. */
export async function runCli(
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { ...cliEnvironment, ...more };
  const child = spawn(process.execPath, commandOf(...args), { stdio: ['ignore', 'pipe', 'pipe'], env });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [code] = await once(child, 'close');
  return { code, stdout: stdout(), stderr: stderr() };
}

/** Collects what a stream brings. @returns the text so far */
export function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
