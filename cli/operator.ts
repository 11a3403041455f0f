import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { makeDirectoryCluster } from '../operator/cluster/directory.ts';
import { startOperator } from '../operator/operator.ts';
import { type InClusterOptions, operateInCluster } from './operator/in-cluster.ts';

export interface OperatorCommandOptions extends InClusterOptions {
  readonly directory?: string;
  readonly databaseUrlFile: string;
  readonly proxyDatabaseUrlFile?: string;
  readonly data: string;
  readonly logLevel: string;
}

/** `chaperone operator`: reconciles until SIGTERM or SIGINT, in a cluster or over a directory of YAML. */
export async function operator(options: OperatorCommandOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = pino({ level: options.logLevel, base: null }, pino.destination(2));
  const databaseUrl = await readText(options.databaseUrlFile);
  if (options.directory === undefined) {
    const { proxyDatabaseUrlFile } = options;
    const proxyDatabaseUrl = proxyDatabaseUrlFile === undefined ? databaseUrl : await readText(proxyDatabaseUrlFile);
    return operateInCluster(options, { databaseUrl, proxyDatabaseUrl, log });
  }
  const { directory, data, resyncMs, propagationMs } = options;
  await operateOverDirectory(directory, data, { databaseUrl, resyncMs, propagationMs, environment, log });
}

interface DirectoryContext {
  readonly databaseUrl: string;
  readonly resyncMs: number;
  readonly propagationMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

async function operateOverDirectory(directory: string, data: string, context: DirectoryContext): Promise<void> {
  const { databaseUrl, resyncMs, propagationMs, environment, log } = context;
  const cluster = makeDirectoryCluster({
    directory,
    stateDirectory: join(data, 'state'),
    environment,
    onProblem: (problem) => log.error(problem, 'a resource cannot be used; the last good one stays in force'),
  });
  await cluster.start();
  const running = await startOperator({ cluster, databaseUrl, resyncMs, propagationMs, log });
  log.info('reconciling');
  const stop = async () => {
    await running.stop();
    await cluster.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
}

async function readText(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim();
}
