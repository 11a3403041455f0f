import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { proxyEnvironment } from '../../../cli/local/kept-process.ts';
import type { ProxyMessage } from '../../../cli/proxy.ts';
import { makeDirectory } from '../../directories.ts';
import { freePort } from '../../free-port.ts';
import { commandOf } from '../../program.ts';
import { atEnd } from '../../scope.ts';
import { startRelay } from '../../tcp-relay.ts';
import type { Strike } from './fault.ts';
import type { OwnProxy } from './installation.ts';

/** A proxy on a network of its own, whose packets can be dropped without a word. */
export interface RemoteProxy extends OwnProxy {
  /** The host that clients reach it at. */
  readonly host: string;
  /** Drops what goes from the proxy to PostgreSQL or the provider, or what comes from there. */
  silence(direction: 'to' | 'from', whom: 'database' | 'upstream'): void;
  /** Drops nothing any more. */
  mend(): void;
}

let canMake: boolean | undefined;

/** Why there can be no network namespaces here. */
export function namespacesLack(): string | undefined {
  canMake ??=
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    spawnSync('unshare', ['--net', 'iptables', '-L']).status === 0 &&
    spawnSync('ip', ['netns', 'list']).status === 0;
  return canMake ? undefined : 'it needs to be root, and to make network namespaces';
}

export async function startRemoteProxy(strike: Strike): Promise<RemoteProxy> {
  const { scope, stack } = strike;
  const name = `chaperone-${randomInt(1e6)}`;
  const subnet = `10.213.${randomInt(1, 250)}`;
  const [host, remote] = [`${subnet}.1`, `${subnet}.2`];
  const link = `chap${randomInt(1e6)}`;
  const run = (...args: readonly string[]) => void execFileSync('ip', args, { stdio: 'pipe' });
  const inside = (...args: readonly string[]) => run('netns', 'exec', name, ...args);
  run('netns', 'add', name);
  atEnd(scope, () => run('netns', 'delete', name));
  run('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  atEnd(scope, () => void spawnSync('ip', ['link', 'delete', link]));
  run('address', 'add', `${host}/24`, 'dev', link);
  run('link', 'set', link, 'up');
  inside('ip', 'address', 'add', `${remote}/24`, 'dev', 'eth0');
  inside('ip', 'link', 'set', 'eth0', 'up');
  inside('ip', 'link', 'set', 'lo', 'up');

  const ports = {
    database: (await startRelay(scope, Number(new URL(strike.superuserUrl).port), host)).port,
    upstream: (await startRelay(scope, strike.upstream.port, host)).port,
  };
  const credentials = await makeDirectory(scope);
  await cp(stack.credentialsDirectory, credentials, { recursive: true, dereference: true });
  const file = join(credentials, 'database-url');
  const url = new URL((await readFile(file, 'utf8')).trim());
  url.host = `${host}:${ports.database}`;
  await writeFile(file, url.href);

  const [port, metricsPort] = [await freePort(), await freePort()];
  const directory = await makeDirectory(scope);
  const command = commandOf(
    ...['proxy', '--credentials', credentials, '--data', join(directory, 'data')],
    ...['--host', remote, '--port', String(port), '--metrics-host', remote, '--metrics-port', String(metricsPort)],
    ...['--upstream', `http://${host}:${ports.upstream}/v1`],
  );
  const log = openSync(join(directory, 'log'), 'a');
  const child = spawn('ip', ['netns', 'exec', name, process.execPath, ...command], {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...proxyEnvironment, PATH: process.env.PATH },
  });
  const stop = async (timeoutMs: number) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    await once(child, 'exit');
    clearTimeout(timer);
  };
  atEnd(scope, () => stop(4_000));
  const [message] = (await once(child, 'message')) as [ProxyMessage];
  if (message.type !== 'ready') throw new Error(`The proxy cannot start: ${message.message}`);
  return {
    ...{ organization: 'acme', host: remote, port, metricsPort, dataDirectory: join(directory, 'data') },
    pid: () => child.pid,
    stop,
    silence(direction, whom) {
      const [chain, side] = direction === 'to' ? ['OUTPUT', '--dport'] : ['INPUT', '--sport'];
      inside('iptables', '-A', chain, '-p', 'tcp', side, String(ports[whom]), '-j', 'DROP');
    },
    mend: () => inside('iptables', '-F'),
  };
}
