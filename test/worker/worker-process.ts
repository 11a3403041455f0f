import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../directories.ts';
import { atEnd, type Scope } from '../scope.ts';
import type { Stack } from '../stack.ts';

/** A worker in a process of its own, which can be killed and started again on the same volume. */
export async function makeWorkerProcess(t: Scope, stack: Pick<Stack, 'workerCredentials' | 'upstreamUrl'>) {
  const dataDirectory = await makeDirectory(t);
  const databaseUrl = (await readFile(join(stack.workerCredentials, 'database-url'), 'utf8')).trim();
  let child: ChildProcess | undefined;
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  atEnd(t, kill);
  return {
    dataDirectory,
    kill,
    exited: () => child?.signalCode !== null || child.exitCode !== null,
    async start() {
      const options = {
        ...{ databaseUrl, dataDirectory, credentialsDirectory: stack.workerCredentials },
        ...{
          upstreamUrl: stack.upstreamUrl,
          metricsHost: '127.0.0.1',
          metricsPort: 0,
          silenceMs: 3_000,
          concurrency: 4,
        },
      };
      const program = join(import.meta.dirname, 'worker-program.ts');
      child = spawn(process.execPath, [program, JSON.stringify(options)], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      await once(child, 'message');
    },
  };
}
