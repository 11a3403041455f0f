import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const source = join(import.meta.dirname, 'collector');
const sources = ['main.go', 'go.mod', 'go.sum'];

/**
 * Finds the receiver of OpenTelemetry's collector, or builds it from its modules in CI: that takes minutes.
 *
 * @returns why there is none
 */
export async function findCollector(): Promise<{ readonly file: string } | string> {
  const digest = createHash('sha256');
  for (const name of sources) digest.update(await readFile(join(source, name)));
  const directory = join(homedir(), '.cache', 'chaperone-tests');
  const file = join(directory, `collector-${digest.digest('hex').slice(0, 16)}`);
  if (existsSync(file)) return { file };
  if (!process.env.CI) return 'The collector is not built. With Go: CI=true npm test -- test/traces';
  await mkdir(directory, { recursive: true });
  const made = `${file}.${process.pid}`;
  try {
    await execute('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', made, '.'], { cwd: source });
  } catch (error) {
    return `The collector cannot be built, which needs Go 1.26 and its modules: ${String(error).slice(0, 200)}`;
  }
  await rename(made, file);
  return { file };
}
