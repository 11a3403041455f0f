import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { startWorker } from '../../../worker/worker.ts';
import { makeDirectory } from '../../directories.ts';
import { atEnd, type Scope } from '../../scope.ts';
import type { Stack } from '../../stack.ts';

/** Starts a worker of the stack's database, with all tasks. */
export async function startStackWorker(scope: Scope, stack: Stack) {
  const worker = await startWorker({
    databaseUrl: (await readFile(`${stack.workerCredentials}/database-url`, 'utf8')).trim(),
    credentialsDirectory: stack.workerCredentials,
    dataDirectory: await makeDirectory(scope),
    upstreamUrl: stack.upstreamUrl,
    metricsHost: '127.0.0.1',
    metricsPort: 0,
    log: pino({ level: 'fatal' }),
  });
  atEnd(scope, worker.stop);
  return worker;
}
