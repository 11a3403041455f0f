import { pino } from 'pino';
import { describeProxy, type EgressSettings, readEgressSettings } from '../proxy/egress/settings.ts';
import type { HttpClientName } from '../proxy/egress/upstream.ts';
import { makeLevelSwitch } from '../proxy/logs/level-switch.ts';
import { startProxy } from '../proxy/server.ts';
import { readTraceEnvironment } from '../traces/settings.ts';
import { logDestination, logOptions } from './log-options.ts';

export interface ProxyCommandOptions {
  /** Of this program, for metrics. */
  readonly version: string;
  readonly credentials: string;
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly tls?: string;
  readonly metricsHost: string;
  readonly metricsPort: number;
  readonly upstream: string;
  readonly anthropicUpstream?: string;
  readonly grace: number;
  readonly flush: number;
  readonly dataLimit?: number;
  readonly logLevel: string;
  readonly maxInFlightBytes?: number;
  readonly stall: number;
  readonly httpClient: HttpClientName;
  readonly podNamespace?: string;
  readonly workload?: string;
}

/** Messages from a proxy to the `chaperone up` that started it. */
export type ProxyMessage =
  | { readonly type: 'ready'; readonly port: number; readonly metricsPort: number }
  | { readonly type: 'failed'; readonly message: string };

/** `chaperone proxy`: serves until SIGTERM or SIGINT, or until the process that started it is gone. */
export async function proxy(options: ProxyCommandOptions, environment: NodeJS.ProcessEnv): Promise<void> {
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
    if (egress) log.info(describeEgress(egress), 'providers are reached through a forward proxy');
    const traces = readTraceEnvironment(environment);
    if (traces.problem !== undefined) log.warn(traces.problem);
    const running = await startProxy({
      version: options.version,
      traces,
      credentialsDirectory: options.credentials,
      dataDirectory: options.data,
      host: options.host,
      port: options.port,
      ...(options.tls !== undefined && { tlsDirectory: options.tls }),
      metricsHost: options.metricsHost,
      metricsPort: options.metricsPort,
      upstreamUrl: options.upstream,
      anthropicUrl: options.anthropicUpstream,
      ...(egress && { egress }),
      graceMs: options.grace * 1_000,
      flushMs: options.flush * 1_000,
      ...(options.dataLimit !== undefined && { dataLimitBytes: options.dataLimit }),
      ...(options.maxInFlightBytes !== undefined && { maxInFlightBytes: options.maxInFlightBytes }),
      stallMs: options.stall * 1_000,
      httpClient: options.httpClient,
      ...originOf(options),
      log,
      levels,
    });
    stop = running.stop;
    const { port, metricsPort, organizationName } = running;
    log.info({ organization: organizationName, port, metricsPort }, 'serving');
    tell({ type: 'ready', port, metricsPort });
    if (wantsToStop) await running.stop().then(() => process.exit(0));
  } catch (error) {
    tell({ type: 'failed', message: describe(error) });
    throw error;
  }
}

/** Describes the forward proxies without their passwords. */
function describeEgress({ httpProxy, httpsProxy, noProxy }: EgressSettings) {
  return {
    ...(httpProxy && { httpProxy: describeProxy(httpProxy) }),
    ...(httpsProxy && { httpsProxy: describeProxy(httpsProxy) }),
    noProxy,
  };
}

/** Both or none: a workload's name is unique only within its namespace. */
function originOf({ podNamespace: namespace, workload }: ProxyCommandOptions) {
  return namespace === undefined || workload === undefined ? {} : { origin: { namespace, workload } };
}

function tell(message: ProxyMessage): void {
  if (process.connected) process.send?.(message);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `port ${error.port} is in use; name others by --port and --metrics-port`;
  }
  return error.message;
}
