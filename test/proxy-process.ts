import { openSync } from 'node:fs';
import { join } from 'node:path';
import { type ProxyProcess, type ProxyProcessOptions, startProxyProcess } from '../cli/local/proxies.ts';
import { makeDirectory } from './directories.ts';
import { program } from './program.ts';
import { atEnd, type Scope } from './scope.ts';

export interface TestProxyOptions extends Partial<ProxyProcessOptions> {
  readonly credentialsDirectory: string;
  readonly upstreamUrl: string;
}

/**
 * Starts a proxy of the organization `acme` in its own process, with a new data directory unless the test names one.
 * The end of the scope stops it.
 */
export async function startProxy(scope: Scope, options: TestProxyOptions): Promise<ProxyProcess> {
  const directory = await makeDirectory(scope);
  const proxy = await startProxyProcess({
    organization: 'acme',
    entry: program(),
    dataDirectory: join(directory, 'data'),
    port: 0,
    metricsPort: 0,
    logFile: openSync(join(directory, 'log'), 'a'),
    onRestart: () => {},
    ...options,
  });
  atEnd(scope, () => proxy.stop(4_000));
  return proxy;
}
