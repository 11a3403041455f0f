import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../directories.ts';
import { atEnd, type Scope } from '../scope.ts';
import type { Stack } from '../stack.ts';
import { viaPort } from '../tcp-relay.ts';

/**
 * A worker in a process of its own, which can be killed and started again on the same volume.
 *
 * @param relayPort where it reaches the database; absent: at the database's own port
 */
export async function makeWorkerProcess(
  t: Scope,
  stack: Pick<Stack, 'workerCredentials' | 'upstreamUrl'>,
  relayPort?: number,
) {
  const dataDirectory = await makeDirectory(t);
  const credentialsDirectory =
    relayPort === undefined ? stack.workerCredentials : await relayCredentials(t, stack.workerCredentials, relayPort);
  const databaseUrl = (await readFile(join(credentialsDirectory, 'database-url'), 'utf8')).trim();
  let child: ChildProcess | undefined;
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  atEnd(t, kill);
  return {
    dataDirectory,
    credentialsDirectory,
    kill,
    /** Asks it to end in order, and does not wait. */
    stop: () => void child?.kill('SIGTERM'),
    exited: () => child?.signalCode !== null || child.exitCode !== null,
    async start() {
      const options = {
        ...{ databaseUrl, dataDirectory, credentialsDirectory },
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

/** The credentials of workers, with the port of a relay in the place of the database's. */
async function relayCredentials(t: Scope, directory: string, port: number): Promise<string> {
  const copy = await makeDirectory(t);
  await cp(directory, copy, { recursive: true, dereference: true });
  for (const entry of await readdir(copy, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(copy, entry.name);
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      text.replaceAll(/postgres(?:ql)?:\/\/[^\s"\\]+/g, (url) => viaPort(url, port)),
    );
  }
  return copy;
}
