import { pino } from 'pino';
import type { ProxyProcess } from '../cli/local/proxies.ts';
import { logOptions } from '../cli/log-options.ts';
import { makeLevelSwitch } from '../proxy/logs/level-switch.ts';
import { startProxy } from '../proxy/server.ts';

/** A proxy that a test calls, in whatever process it runs. */
export type TestProxy = Pick<ProxyProcess, 'organization' | 'port' | 'metricsPort' | 'stop'>;

export interface ProxyHereOptions {
  readonly credentialsDirectory: string;
  readonly dataDirectory: string;
  readonly upstreamUrl: string;
  /** Gets its log. */
  readonly logPath: string;
}

/**
 * Starts a proxy of the organization `acme` in this process, on sockets of its own, with the settings of `chaperone up`.
 * That takes a fifth of the processor time of a process, since its modules are loaded and compiled once for many files.
 */
export async function startProxyHere(options: ProxyHereOptions): Promise<TestProxy> {
  const { logPath, ...places } = options;
  const log = pino(logOptions('info'), pino.destination(logPath));
  const proxy = await startProxy({
    ...places,
    version: process.env.CHAPERONE_VERSION,
    host: '127.0.0.1',
    port: 0,
    metricsHost: '127.0.0.1',
    metricsPort: 0,
    log,
    levels: makeLevelSwitch(log),
  });
  return { organization: 'acme', port: proxy.port, metricsPort: proxy.metricsPort, stop: proxy.stop };
}
