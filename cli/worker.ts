import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { requireText } from '../crds/text.ts';
import { readEgressSettings } from '../proxy/egress/settings.ts';
import type { HttpClientName } from '../proxy/egress/upstream.ts';
import { makeLevelSwitch } from '../proxy/logs/level-switch.ts';
import { readTraceEnvironment } from '../traces/settings.ts';
import { startWorker } from '../worker/worker.ts';
import { logDestination, logOptions } from './log-options.ts';

export interface WorkerCommandOptions {
  /** Of this program, for metrics. */
  readonly version: string;
  readonly credentials: string;
  readonly data: string;
  readonly metricsHost: string;
  readonly metricsPort: number;
  readonly upstream: string;
  readonly anthropicUpstream?: string;
  readonly concurrency: number;
  readonly grace: number;
  readonly silence: number;
  readonly httpClient: HttpClientName;
  readonly dataLimit?: number;
  readonly logLevel: string;
}

/** Messages from a worker to the `chaperone up` that started it. */
export type WorkerMessage =
  | { readonly type: 'ready'; readonly metricsPort: number }
  | { readonly type: 'failed'; readonly message: string };

/** `chaperone worker`: does background jobs until SIGTERM or SIGINT, or until the process that started it is gone. */
export async function worker(options: WorkerCommandOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = pino(logOptions(options.logLevel), logDestination());
  const levels = makeLevelSwitch(log);
  process.on('SIGUSR2', levels.toggleDebug);
  let wantsToStop = false;
  let stop = async () => {};
  const end = () => {
    if (wantsToStop) return;
    wantsToStop = true;
    void stop().then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(signal, end);
  try {
    const egress = readEgressSettings(environment);
    const traces = readTraceEnvironment(environment);
    if (traces.problem !== undefined) log.warn(traces.problem);
    const running = await startWorker({
      version: options.version,
      traces,
      databaseUrl: await readDatabaseUrl(options.credentials, log),
      credentialsDirectory: options.credentials,
      dataDirectory: options.data,
      metricsHost: options.metricsHost,
      metricsPort: options.metricsPort,
      upstreamUrl: options.upstream,
      anthropicUrl: options.anthropicUpstream,
      ...(egress && { egress }),
      httpClient: options.httpClient,
      ...(options.dataLimit !== undefined && { dataLimitBytes: options.dataLimit }),
      concurrency: options.concurrency,
      graceMs: options.grace * 1_000,
      silenceMs: options.silence * 1_000,
      log,
      levels,
    });
    stop = running.stop;
    // Its supervisor starts it again, and another worker goes on meanwhile.
    running.ended.catch((error: unknown) => {
      log.fatal({ err: error }, 'cannot go on');
      process.exit(1);
    });
    const { metricsPort } = running;
    log.info({ metricsPort }, 'takes jobs');
    tell({ type: 'ready', metricsPort });
    if (wantsToStop) await running.stop().then(() => process.exit(0));
  } catch (error) {
    tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/**
 * Reads the login, which the operator hands out beside the organizations' credentials. In a cluster the worker's pod starts
 * when it is there; elsewhere a new installation's worker waits for the operator, which makes it at its start.
 */
async function readDatabaseUrl(directory: string, log: Logger): Promise<string> {
  const file = join(directory, 'database-url');
  if (!existsSync(directory)) throw new Error(`There is no directory ${directory}`);
  for (let waits = 0; ; waits += 1) {
    const text = await readFile(file).catch(() => undefined);
    if (text) return requireText(text, file).trim();
    if (waits % 15 === 0) log.warn({ file }, 'waits for the operator, which makes the login of workers');
    await delay(2_000);
  }
}

function tell(message: WorkerMessage): void {
  if (process.connected) process.send?.(message);
}
