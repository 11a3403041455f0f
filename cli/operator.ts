import { readFile } from 'node:fs/promises';
import { requireText } from '../crds/text.ts';
import { makeLevelSwitch } from '../proxy/logs/level-switch.ts';
import { type InClusterOptions, operateInCluster } from './operator/in-cluster.ts';
import { type LogFormat, makeOperatorLog } from './operator/log.ts';

export interface OperatorCommandOptions extends InClusterOptions {
  readonly directory?: string;
  readonly databaseUrlFile: string;
  readonly proxyDatabaseUrlFile?: string;
  readonly data: string;
  readonly logLevel: string;
  readonly logFormat: LogFormat;
}

/** `chaperone operator`: reconciles until SIGTERM or SIGINT, in a cluster or over a directory of YAML. */
export async function operator(options: OperatorCommandOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = makeOperatorLog({ level: options.logLevel, format: options.logFormat });
  process.on('SIGUSR2', makeLevelSwitch(log).toggleDebug);
  const databaseUrl = await readText(options.databaseUrlFile);
  if (options.directory === undefined) {
    const { proxyDatabaseUrlFile } = options;
    const proxyDatabaseUrl = proxyDatabaseUrlFile === undefined ? databaseUrl : await readText(proxyDatabaseUrlFile);
    return operateInCluster(options, { databaseUrl, proxyDatabaseUrl, environment, log });
  }
  // Load this code only here: in a cluster it would only use memory.
  const { operateOverDirectory } = await import('./operator/over-directory.ts');
  const { directory, data, resyncMs, propagationMs } = options;
  await operateOverDirectory(directory, data, { databaseUrl, resyncMs, propagationMs, environment, log });
}

async function readText(file: string): Promise<string> {
  return requireText(await readFile(file), file).trim();
}
