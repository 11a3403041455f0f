import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { makeDirectoryCluster } from '../operator/cluster/directory.ts';
import { startOperator } from '../operator/operator.ts';

export interface OperatorCommandOptions {
  readonly directory: string;
  readonly databaseUrlFile: string;
  readonly data: string;
  readonly logLevel: string;
}

/** `chaperone operator`: reconciles until SIGTERM or SIGINT. */
export async function operator(options: OperatorCommandOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = pino({ level: options.logLevel, base: null }, pino.destination(2));
  const cluster = makeDirectoryCluster({
    directory: options.directory,
    stateDirectory: join(options.data, 'state'),
    environment,
    onProblem: (problem) => log.error(problem, 'a resource cannot be used; the last good one stays in force'),
  });
  await cluster.start();
  const databaseUrl = (await readFile(options.databaseUrlFile, 'utf8')).trim();
  const running = await startOperator({ cluster, databaseUrl, log });
  log.info('reconciling');
  const stop = async () => {
    await running.stop();
    await cluster.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
}
