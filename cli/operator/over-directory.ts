import { join } from 'node:path';
import type { Logger } from 'pino';
import { makeDirectoryCluster } from '../../operator/cluster/directory.ts';
import { startOperator } from '../../operator/operator.ts';

export interface OverDirectoryContext {
  readonly databaseUrl: string;
  readonly resyncMs: number;
  readonly propagationMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/**
 * Runs the operator over a directory of YAML until SIGTERM or SIGINT.
 *
 * @param data the directory for statuses and Secrets
 */
export async function operateOverDirectory(
  directory: string,
  data: string,
  { databaseUrl, resyncMs, propagationMs, environment, log }: OverDirectoryContext,
): Promise<void> {
  const cluster = makeDirectoryCluster({
    directory,
    stateDirectory: join(data, 'state'),
    environment,
    onProblem: (problem) => log.error(problem, 'a resource is invalid; its last valid state stays in force'),
  });
  await cluster.start();
  const running = await startOperator({ cluster, databaseUrl, resyncMs, propagationMs, isOneMachine: true, log });
  log.info('reconciling');
  const stop = async () => {
    await running.stop();
    await cluster.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
}
