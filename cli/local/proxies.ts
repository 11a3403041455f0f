import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { egressVariables } from '../../proxy/egress/settings.ts';
import type { ProxyMessage } from '../proxy.ts';

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

/**
 * Node's options for a proxy, and in the image for every command; docs/decisions.md has the measurements.
 *
 * Nearly all objects of a call or a reconciliation are short-lived, so a small young generation keeps the process small.
 * The old one may grow by a third between two collections, not to four times its size. The compiler takes its memory from
 * V8's pages: from malloc, it would leave a heap of 30 MB behind. Free pages go back to the system after a second.
 */
export const proxyNodeOptions: readonly string[] = [
  '--max-semi-space-size=8',
  '--heap-growing-percent=30',
  '--managed-zone-memory',
  '--memory-pool-timeout=1',
];

/** The variables of an environment that name forward proxies. */
export function egressEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = egressVariables.flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}

/**
 * Settings of malloc. One heap serves all threads, since one thread does most of the work, and several heaps would keep
 * a tenth of a proxy's memory unused. Large buffers are mapped separately and are returned as soon as they are free; by
 * default, malloc raises that threshold with each large buffer.
 */
export const proxyEnvironment = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
} as const;

const restartMs = { first: 100, last: 5_000 };

/**
 * Starts a proxy and resolves when it serves.
 *
 * @throws where it cannot start, with its error message
 */
export async function startProxyProcess(options: ProxyProcessOptions): Promise<ProxyProcess> {
  let stopped = false;
  let delayMs = restartMs.first;
  let child = spawnProxy(options);
  const giveUp = () => child.kill('SIGKILL');
  options.signal?.addEventListener('abort', giveUp);
  const { port, metricsPort } = await untilReady(child, options.organization).finally(() =>
    options.signal?.removeEventListener('abort', giveUp),
  );

  const keepRunning = async () => {
    for (;;) {
      const [code, signal] = await exitOf(child);
      if (stopped) return;
      options.onRestart(options.organization, signal === null ? `exit code ${code}` : String(signal));
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      delayMs = Math.min(delayMs * 2, restartMs.last);
      if (stopped) return;
      child = spawnProxy({ ...options, port, metricsPort });
      await untilReady(child, options.organization).then(
        () => {
          delayMs = restartMs.first;
        },
        () => {},
      );
    }
  };
  const running = keepRunning();

  return {
    organization: options.organization,
    port,
    metricsPort,
    pid: () => child.pid,
    async stop(timeoutMs) {
      stopped = true;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await running;
      clearTimeout(timer);
    },
  };
}

function spawnProxy(options: ProxyProcessOptions): ChildProcess {
  const args = [
    ...process.execArgv,
    ...proxyNodeOptions,
    ...[options.entry, 'proxy'],
    ...['--credentials', options.credentialsDirectory],
    ...['--data', options.dataDirectory],
    ...['--port', String(options.port)],
    ...['--metrics-host', '127.0.0.1'],
    ...['--metrics-port', String(options.metricsPort)],
    ...['--upstream', options.upstreamUrl],
    ...(options.anthropicUrl === undefined ? [] : ['--anthropic-upstream', options.anthropicUrl]),
    ...(options.arguments ?? []),
  ];
  // It gets nothing else from our environment, which may have provider keys.
  const { CHAPERONE_VERSION, NODE_COMPILE_CACHE } = process.env;
  return spawn(process.execPath, args, {
    stdio: ['ignore', options.logFile, options.logFile, 'ipc'],
    env: { ...proxyEnvironment, CHAPERONE_VERSION, NODE_COMPILE_CACHE, ...options.environment },
    // Ctrl-C reaches the whole process group. The proxies must be stopped in order instead.
    detached: true,
  });
}

async function untilReady(
  child: ChildProcess,
  organization: string,
): Promise<Extract<ProxyMessage, { type: 'ready' }>> {
  const ended = exitOf(child).then(
    ([code]): ProxyMessage => ({ type: 'failed', message: `it ended with exit code ${code}` }),
  );
  const told = once(child, 'message').then(([message]) => message as ProxyMessage);
  const message = await Promise.race([told, ended]);
  if (message.type === 'ready') return message;
  throw new Error(`The proxy of organization "${organization}" cannot start: ${message.message}`);
}

async function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return [child.exitCode, child.signalCode];
}
