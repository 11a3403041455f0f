import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasErrno } from './error.ts';

const run = promisify(execFile);

/**
 * PostgreSQL's shutdown modes, each used when the one before takes too long: fast (disconnects everyone), immediate
 * (recovers at the next start), and SIGKILL. https://www.postgresql.org/docs/current/server-shutdown.html
 */
const escalation = [
  { signal: 'SIGINT', patienceMs: 4_000 },
  { signal: 'SIGQUIT', patienceMs: 4_000 },
  { signal: 'SIGKILL', patienceMs: 4_000 },
] as const;

/** Stops a postmaster, and resolves when its process is gone. Does nothing where it is already gone. */
export async function stopServer(pid: number): Promise<void> {
  for (const { signal, patienceMs } of escalation) {
    if (!sendSignal(pid, signal)) return;
    const deadline = Date.now() + patienceMs;
    while (Date.now() < deadline) {
      if (!sendSignal(pid, 0)) return;
      await sleep(10);
    }
  }
  throw new Error(`PostgreSQL's process ${pid} did not end`);
}

/** The command line of a process. Empty where there is no such process. */
export async function readCommandLine(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    return (await run('/bin/ps', ['-ww', '-o', 'command=', '-p', String(pid)])).stdout;
  } catch {
    return '';
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (hasErrno(error, 'ESRCH')) return false;
    throw error;
  }
}
