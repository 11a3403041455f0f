import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { proxyEnvironment } from '../cli/local/kept-process.ts';

const stopTimeoutMs = 15_000;

/** Where the reaper reads which processes there are. */
let reaper: Writable | undefined;

/**
 * The environment of measured processes, as in the image. It has nothing from the user's own environment, which may
 * have keys.
 */
export const plainEnvironment = {
  ...proxyEnvironment,
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
};

/** Starts a Node program in its own process, with a channel for messages. Its errors are shown. */
export function startNode(file: string, args: readonly string[], nodeOptions: readonly string[] = []): ChildProcess {
  return startChild(process.execPath, [...nodeOptions, file, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/**
 * Starts a process that Ctrl-C does not reach. The benchmark ends it in order. Where the benchmark dies before, however it
 * dies, the reaper ends it.
 */
export function startChild(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, { env: plainEnvironment, detached: true, ...options });
  const { pid } = child;
  if (pid === undefined) return child;
  reaper ??= startReaper();
  reaper.write(`+${pid}\n`);
  child.once('exit', () => reaper?.write(`-${pid}\n`));
  return child;
}

function startReaper(): Writable {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'reaper.ts')], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: plainEnvironment,
    detached: true,
  });
  child.unref();
  // A benchmark that has ended does not wait for it.
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  child.stdin.on('error', () => {});
  return child.stdin;
}

/**
 * Waits for the next message of a child.
 *
 * @throws where it ends without one
 */
export async function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  const ended = new AbortController();
  const fail = () => ended.abort();
  child.once('exit', fail);
  try {
    const [message]: Message[] = await once(child, 'message', { signal: ended.signal });
    if (message === undefined) throw new Error('It sent an empty message');
    return message;
  } catch (cause) {
    throw new Error(`${child.spawnargs.join(' ')}\nended with exit code ${child.exitCode} before it had answered`, {
      cause,
    });
  } finally {
    child.off('exit', fail);
  }
}

/** Ends a child by SIGTERM, or by SIGKILL where that is not enough. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}

/** Finds a port of 127.0.0.1 on which nothing listens now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port');
  return address.port;
}
