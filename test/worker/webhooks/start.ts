import { readFile } from 'node:fs/promises';
import { type Logger, pino } from 'pino';
import { readTraceEnvironment } from '../../../traces/settings.ts';
import { startWorker } from '../../../worker/worker.ts';
import { makeDirectory } from '../../directories.ts';
import { atEnd, type Scope } from '../../scope.ts';
import type { Stack } from '../../stack.ts';

/** Starts a worker of the stack's database, with all tasks. @param environment the variables that it reads */
export async function startStackWorker(
  scope: Scope,
  stack: Stack,
  environment: NodeJS.ProcessEnv = {},
  log: Logger = pino({ level: 'fatal' }),
) {
  const worker = await startWorker({
    databaseUrl: (await readFile(`${stack.workerCredentials}/database-url`, 'utf8')).trim(),
    credentialsDirectory: stack.workerCredentials,
    dataDirectory: await makeDirectory(scope),
    upstreamUrl: stack.upstreamUrl,
    metricsHost: '127.0.0.1',
    metricsPort: 0,
    traces: readTraceEnvironment(environment),
    log,
  });
  atEnd(scope, worker.stop);
  return worker;
}
