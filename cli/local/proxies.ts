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
  /** An open file for what it logs. */
  readonly logFile: number;
  /** Told when it died and is started again. */
  readonly onRestart: (organization: string, reason: string) => void;
  /** Gives the start up: the process is killed. It says nothing to a proxy that serves. */
  readonly signal?: AbortSignal;
  /** More of the command's options. */
  readonly arguments?: readonly string[];
  /** What it is told of the proxies of its network. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** A proxy in a process of its own, as in a pod, kept running until stopped. */
export interface ProxyProcess {
  readonly organization: string;
  readonly port: number;
  readonly metricsPort: number;
  pid(): number | undefined;
  /** Lets it end its calls; kills it after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/**
 * What Node starts a proxy with, and in the image every command: nearly all that a call or a reconciliation makes is
 * short-lived, and a small young generation keeps the process small.
 */
export const proxyNodeOptions: readonly string[] = ['--max-semi-space-size=4'];

/** Of an environment, what says by which way providers are reached. */
export function egressEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = egressVariables.flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}

/**
 * One heap of malloc's for all threads, of which one alone does most of it: several keep a tenth of a proxy's memory free.
 * Large buffers are mapped by themselves and go back as soon as they are free; left alone, malloc raises the size from
 * which it does so with each that it sees.
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
 * @throws where it cannot start, with its own words
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
    ...(options.arguments ?? []),
  ];
  // It gets nothing else of our environment: a proxy needs nothing from it, and provider keys may be in it.
  const { CHAPERONE_VERSION, NODE_COMPILE_CACHE } = process.env;
  return spawn(process.execPath, args, {
    stdio: ['ignore', options.logFile, options.logFile, 'ipc'],
    env: { ...proxyEnvironment, CHAPERONE_VERSION, NODE_COMPILE_CACHE, ...options.environment },
    // A Ctrl-C goes to the whole process group; the proxies are stopped in order instead.
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
