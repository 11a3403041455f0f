import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { type EmbeddedPostgres, EmbeddedPostgresError } from '../../../cli/embedded-postgres.ts';
import { atEnd } from '../../scope.ts';

export const root = join(import.meta.dirname, '..', '..', '..');

/** A killed process loses nothing by these: only a machine would. */
export const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

export async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-embedded-'));
  atEnd(t, () => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** For `assert.rejects`. */
export function refusal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof EmbeddedPostgresError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** Another process that starts the database and prints its handle in a line. */
export function startElsewhere(
  t: TestContext,
  directory: string,
  { program = root, user = {} }: { program?: string; user?: { uid?: number; gid?: number } } = {},
): ChildProcess {
  const module = pathToFileURL(join(program, 'cli', 'embedded-postgres.ts')).href;
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
    const server = await startEmbeddedPostgres({ directory: process.argv[1], settings: ${JSON.stringify(settings)} });
    console.log(JSON.stringify(server));
    process.stdin.on('end', () => server.stop()).resume();`;
  const args = ['--input-type=module', '--eval', script, directory];
  const child = spawn(process.execPath, args, { ...user, cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  return child;
}

export async function readHandle(child: ChildProcess): Promise<EmbeddedPostgres> {
  assert.ok(child.stdout);
  for await (const line of createInterface(child.stdout)) return JSON.parse(line);
  throw new Error('The process ended without a handle');
}
