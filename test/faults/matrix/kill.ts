import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { until } from '../../until.ts';
import type { Installation } from './installation.ts';

/** Kills a proxy for good. */
export async function endProxy(proxy: ProxyProcess): Promise<void> {
  process.kill(proxy.pid() ?? 0, 'SIGKILL');
  await proxy.stop(0);
}

/** Kills a proxy at once, and waits until the one in its place serves. */
export async function killProxy(proxy: ProxyProcess): Promise<void> {
  const pid = proxy.pid() ?? 0;
  process.kill(pid, 'SIGKILL');
  await until(() => proxy.pid() !== pid, 'the proxy to be started again');
  await untilReady(proxy);
}

export async function untilReady({ metricsPort }: ProxyProcess): Promise<void> {
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  }, 'the proxy to be ready');
}

/** Kills PostgreSQL with all that it was about to write, and starts it again after a while. */
export async function killPostgres(installation: Pick<Installation, 'stack' | 'query'>, awayMs: number): Promise<void> {
  await killServer(installation);
  await new Promise((resolve) => setTimeout(resolve, awayMs));
  await installation.stack.database.start();
}

/** Kills PostgreSQL for good. */
export async function killServer({ stack, query }: Pick<Installation, 'stack' | 'query'>): Promise<void> {
  const [row] = await query<{ data_directory: string }>('show data_directory');
  const [pid] = (await readFile(join(row?.data_directory ?? '', 'postmaster.pid'), 'utf8')).split('\n');
  process.kill(Number(pid), 'SIGKILL');
  // Its process is gone then.
  await stack.database.stop();
}
