import type { WorkerMessage } from '../worker.ts';
import { type KeptProcess, startKeptProcess } from './kept-process.ts';

export interface WorkerProcessOptions {
  /** The program whose `worker` command is started. */
  readonly entry: string;
  readonly credentialsDirectory: string;
  readonly dataDirectory: string;
  /** 0: a free one. */
  readonly metricsPort: number;
  readonly upstreamUrl: string;
  /** Absent: that of Anthropic itself. */
  readonly anthropicUrl?: string | undefined;
  /** An open file for the log. */
  readonly logFile: number;
  /** Called when the process has died and is restarted. */
  readonly onRestart: (reason: string) => void;
  /** Additional options of the command. */
  readonly arguments?: readonly string[];
  /** The environment variables that name forward proxies. */
  readonly environment?: NodeJS.ProcessEnv;
}

export interface WorkerProcess extends KeptProcess {
  readonly metricsPort: number;
}

/**
 * Starts a worker in its own process and resolves when it takes jobs.
 *
 * @throws where it cannot start, with its error message
 */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const { environment, logFile, onRestart } = options;
  let { metricsPort } = options;
  const kept = await startKeptProcess<Extract<WorkerMessage, { type: 'ready' }>>({
    what: 'The worker',
    args: () => [
      ...[options.entry, 'worker'],
      ...['--credentials', options.credentialsDirectory],
      ...['--data', options.dataDirectory],
      ...['--metrics-host', '127.0.0.1', '--metrics-port', String(metricsPort)],
      ...['--upstream', options.upstreamUrl],
      ...(options.anthropicUrl === undefined ? [] : ['--anthropic-upstream', options.anthropicUrl]),
      // This machine has one worker, which is started again at once.
      ...['--grace', '2', '--silence', '5'],
      ...(options.arguments ?? []),
    ],
    ...{ environment, logFile, onRestart },
    onReady: (ready) => {
      metricsPort = ready.metricsPort;
    },
  });
  return { ...kept, metricsPort };
}
