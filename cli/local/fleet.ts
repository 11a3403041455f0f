import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../../operator/cluster/cluster.ts';
import { credentialsSecretName, operatorNamespace } from '../../operator/credentials.ts';
import { egressEnvironment, type ProxyProcess, startProxyProcess } from './proxies.ts';
import type { statePaths } from './state.ts';

export interface FleetOptions {
  readonly cluster: Pick<Cluster, 'list' | 'subscribe'>;
  readonly paths: ReturnType<typeof statePaths>;
  /** The running program, whose `proxy` command is started. */
  readonly entry: string;
  readonly firstPort: number;
  readonly firstMetricsPort: number;
  readonly upstreamUrl: string;
  /** The base URL of `anthropic` providers that state none. Absent: that of Anthropic itself. */
  readonly anthropicUrl?: string | undefined;
  readonly logFile: number;
  /** The command's own environment: it names the forward proxies to providers. */
  readonly environment: NodeJS.ProcessEnv;
  /** Called with a sentence for people when a proxy starts, stops or dies. */
  readonly onChange: (sentence: string) => void;
}

/** One proxy process for each organization. */
export interface Fleet {
  /** By organization name. */
  proxies(): readonly ProxyProcess[];
  stop(): Promise<void>;
}

const stopTimeoutMs = 4_000;

/** @throws where the proxy of an organization that exists at the start cannot start */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { cluster, onChange } = options;
  const running = new Map<string, { proxy: ProxyProcess; slot: number }>();
  let stopped = false;
  let starting: { readonly organization: string; readonly controller: AbortController } | undefined;

  const startOne = async (organization: string) => {
    const controller = new AbortController();
    starting = { organization, controller };
    const taken = new Set(Array.from(running.values(), ({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    const [port, metricsPort] = [portOf(options.firstPort, slot), portOf(options.firstMetricsPort, slot)];
    if (Math.max(port, metricsPort) > 65_535) {
      const message = `The proxy of organization "${organization}" cannot start: its port would be ${Math.max(port, metricsPort)}. Choose a lower --port or --metrics-port`;
      throw new Error(message);
    }
    const proxy = await startProxyProcess({
      organization,
      entry: options.entry,
      credentialsDirectory: join(options.paths.secrets, operatorNamespace, credentialsSecretName(organization)),
      dataDirectory: options.paths.proxy(organization),
      port,
      metricsPort,
      upstreamUrl: options.upstreamUrl,
      anthropicUrl: options.anthropicUrl,
      logFile: options.logFile,
      environment: egressEnvironment(options.environment),
      onRestart: (name, reason) =>
        onChange(`The proxy of organization "${name}" ended (${reason}) and is being restarted.`),
      signal: controller.signal,
    })
      .catch((error: unknown) => {
        if (controller.signal.aborted) return undefined;
        throw error;
      })
      .finally(() => {
        starting = undefined;
      });
    if (!proxy) return undefined;
    running.set(organization, { proxy, slot });
    const address = { port: proxy.port, metricsPort: proxy.metricsPort };
    await writeFile(options.paths.proxyAddress(organization), JSON.stringify(address));
    return proxy;
  };
  const wanted = () =>
    cluster
      .list('Organization')
      .filter(({ metadata, status }) => status?.id !== undefined && metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name)
      .sort();

  /** Aborts a start. A proxy waits for its database, and would wait forever if its organization were gone. */
  const giveUpStart = () => {
    if (starting && (stopped || !wanted().includes(starting.organization))) starting.controller.abort();
  };

  /** Starts and stops processes to match the organizations. */
  const align = async () => {
    const names = wanted();
    for (const [name, { proxy }] of running) {
      if (names.includes(name)) continue;
      running.delete(name);
      await proxy.stop(stopTimeoutMs);
      onChange(`Organization "${name}" is deleted, and its proxy has stopped.`);
    }
    for (const name of names) {
      if (stopped || running.has(name) || !wanted().includes(name)) continue;
      try {
        const proxy = await startOne(name);
        if (proxy) onChange(`Organization "${name}" is served at http://127.0.0.1:${proxy.port}/v1`);
      } catch (error) {
        onChange(error instanceof Error ? error.message : String(error));
      }
    }
  };

  try {
    for (const name of wanted()) await startOne(name);
  } catch (error) {
    await Promise.all(Array.from(running.values(), ({ proxy }) => proxy.stop(stopTimeoutMs)));
    throw error;
  }
  let aligning = Promise.resolve();
  const unsubscribe = cluster.subscribe(({ kind }) => {
    if (kind !== 'Organization' || stopped) return;
    giveUpStart();
    aligning = aligning
      .then(align)
      .catch((error: unknown) => onChange(error instanceof Error ? error.message : String(error)));
  });

  return {
    proxies: () =>
      Array.from(running.entries(), ([, { proxy }]) => proxy).sort((a, b) =>
        a.organization < b.organization ? -1 : 1,
      ),
    async stop() {
      stopped = true;
      unsubscribe();
      giveUpStart();
      await aligning;
      await Promise.all(Array.from(running.values(), ({ proxy }) => proxy.stop(stopTimeoutMs)));
    },
  };
}

/** Steps of two, so that API ports and metrics ports alternate. 0 asks for a free port. */
function portOf(first: number, slot: number): number {
  return first === 0 ? 0 : first + 2 * slot;
}
