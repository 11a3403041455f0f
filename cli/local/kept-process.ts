import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface KeptProcessOptions<Ready> {
  /** For people: what it is, as the subject of a sentence. */
  readonly what: string;
  /** The program and its arguments, for each start. */
  readonly args: () => readonly string[];
  /** Added to the environment, which has nothing else of ours. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** An open file for the log. */
  readonly logFile: number;
  /** Called at each start with what the process tells when it is ready. */
  readonly onReady: (ready: Ready) => void;
  /** Called when the process has died and is restarted. */
  readonly onRestart: (reason: string) => void;
  /** Aborts the first start and kills the process. It has no effect later. */
  readonly signal?: AbortSignal | undefined;
}

/** A process of this program that is kept running until stopped. */
export interface KeptProcess {
  pid(): number | undefined;
  /** Lets it end in order, and kills it after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

type Message<Ready> = Ready | { readonly type: 'failed'; readonly message: string };

/**
 * Node's options for a proxy, and in the image for every command; docs/decisions.md has the measurements.
 *
 * Nearly all objects of a call or a reconciliation are short-lived, so a small young generation keeps the process small.
 * The old one may grow by a third between two collections, not to four times its size. The compiler takes its memory from
 * V8's pages: from malloc, it would leave a heap of 30 MB behind. Free pages go back to the system after a second.
 */
export const proxyNodeOptions: readonly string[] = nodeOptions(8);

/**
 * Node's options for an operator in a cluster. It answers nobody who waits, so it may collect garbage more often: smaller
 * halves of the young generation save 17 MB, and cost a twentieth of the processor time when a thousand objects come.
 */
export const operatorNodeOptions: readonly string[] = nodeOptions(2);

/** @param semiSpaceMb the size of a half of the young generation */
function nodeOptions(semiSpaceMb: number): readonly string[] {
  return [
    `--max-semi-space-size=${semiSpaceMb}`,
    '--heap-growing-percent=30',
    '--managed-zone-memory',
    '--memory-pool-timeout=1',
  ];
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
 * Starts a process and resolves when it is ready.
 *
 * @throws where it cannot start, with its error message
 */
export async function startKeptProcess<Ready extends { readonly type: 'ready' }>(
  options: KeptProcessOptions<Ready>,
): Promise<KeptProcess> {
  const { what, onReady, onRestart, signal } = options;
  let stopped = false;
  let delayMs = restartMs.first;
  let child = spawnProcess(options);
  const giveUp = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', giveUp);
  onReady(await untilReady<Ready>(child, what).finally(() => signal?.removeEventListener('abort', giveUp)));

  const keepRunning = async () => {
    for (;;) {
      const [code, signalName] = await exitOf(child);
      if (stopped) return;
      onRestart(signalName === null ? `exit code ${code}` : String(signalName));
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      delayMs = Math.min(delayMs * 2, restartMs.last);
      if (stopped) return;
      child = spawnProcess(options);
      await untilReady<Ready>(child, what).then(
        (ready) => {
          onReady(ready);
          delayMs = restartMs.first;
        },
        () => {},
      );
    }
  };
  const running = keepRunning();

  return {
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

function spawnProcess({
  args,
  environment,
  logFile,
}: Pick<KeptProcessOptions<never>, 'args' | 'environment' | 'logFile'>) {
  // It gets nothing else from our environment, which may have provider keys.
  const { CHAPERONE_VERSION, NODE_COMPILE_CACHE } = process.env;
  return spawn(process.execPath, [...process.execArgv, ...proxyNodeOptions, ...args()], {
    stdio: ['ignore', logFile, logFile, 'ipc'],
    env: { ...proxyEnvironment, CHAPERONE_VERSION, NODE_COMPILE_CACHE, ...environment },
    // Ctrl-C reaches the whole process group. These processes must be stopped in order instead.
    detached: true,
  });
}

async function untilReady<Ready extends { readonly type: 'ready' }>(child: ChildProcess, what: string): Promise<Ready> {
  const ended = exitOf(child).then(
    ([code]): Message<Ready> => ({ type: 'failed', message: `it ended with exit code ${code}` }),
  );
  const told = once(child, 'message').then(([message]) => message as Message<Ready>);
  const message = await Promise.race([told, ended]);
  if (message.type === 'ready') return message;
  throw new Error(`${what} cannot start: ${'message' in message ? message.message : ''}`);
}

async function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return [child.exitCode, child.signalCode];
}
