import { egressVariables } from '../../proxy/egress/settings.ts';
import type { ProxyMessage } from '../proxy.ts';
import { startKeptProcess } from './kept-process.ts';

export interface ProxyProcessOptions {
  readonly organization: string;
  /** The program whose `proxy` command is started. */
  readonly entry: string;
  readonly credentialsDirectory: string;
  readonly dataDirectory: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly upstreamUrl: string;
  /** Absent: that of Anthropic itself. */
  readonly anthropicUrl?: string | undefined;
  /** An open file for the log. */
  readonly logFile: number;
  /** Called when the process has died and is restarted. */
  readonly onRestart: (organization: string, reason: string) => void;
  /** Aborts the start and kills the process. It has no effect once the proxy serves. */
  readonly signal?: AbortSignal;
  /** Additional options of the command. */
  readonly arguments?: readonly string[];
  /** The environment variables that name forward proxies. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** A proxy in its own process, as in a pod. It is kept running until stopped. */
export interface ProxyProcess {
  readonly organization: string;
  readonly port: number;
  readonly metricsPort: number;
  pid(): number | undefined;
  /** Lets the calls end, and kills the process after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/** The variables of an environment that say how a proxy reaches providers. */
export function egressEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ofTraces = Object.keys(environment).filter((name) => name.startsWith('OTEL_'));
  const own = ['CHAPERONE_HTTP_CLIENT', ...ofTraces];
  const names = [...egressVariables.flatMap((name) => [name, name.toLowerCase()]), ...own];
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}

/**
 * Starts a proxy and resolves when it serves.
 *
 * @throws where it cannot start, with its error message
 */
export async function startProxyProcess(options: ProxyProcessOptions): Promise<ProxyProcess> {
  const { organization, logFile, signal } = options;
  let { port, metricsPort } = options;
  const kept = await startKeptProcess<Extract<ProxyMessage, { type: 'ready' }>>({
    what: `The proxy of organization "${organization}"`,
    // A later one has the ports of the first.
    args: () => argumentsOf(options, port, metricsPort),
    ...{ environment: options.environment, logFile, signal },
    onReady: (ready) => {
      port = ready.port;
      metricsPort = ready.metricsPort;
    },
    onRestart: (reason) => options.onRestart(organization, reason),
  });
  return { organization, port, metricsPort, pid: kept.pid, stop: kept.stop };
}

function argumentsOf(options: ProxyProcessOptions, port: number, metricsPort: number): readonly string[] {
  return [
    ...[options.entry, 'proxy'],
    ...['--credentials', options.credentialsDirectory],
    ...['--data', options.dataDirectory],
    ...['--port', String(port)],
    ...['--metrics-host', '127.0.0.1'],
    ...['--metrics-port', String(metricsPort)],
    ...['--upstream', options.upstreamUrl],
    ...(options.anthropicUrl === undefined ? [] : ['--anthropic-upstream', options.anthropicUrl]),
    ...(options.arguments ?? []),
  ];
}
