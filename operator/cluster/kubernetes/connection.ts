import type { RequestOptions } from 'node:https';
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';

/** What a request to the API server needs. */
export interface Authenticated {
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For requests that end soon; they wait for one another where they are many. */
  readonly short: Dispatcher;
  /** For answers that go on for minutes: they must not take the others' connections. */
  readonly long: Dispatcher;
}

export interface Connection {
  authenticate(): Promise<Authenticated>;
  /** Has the next request authenticate afresh. */
  forget(): void;
  close(): Promise<void>;
}

/** Projected tokens are renewed long before they expire, and the file is read again at most this much later. */
const credentialsLifeMs = 30_000;
const mostConnections = 32;

/**
 * A kubeconfig's address, credentials and TLS settings, with connections that are kept.
 *
 * `KubeConfig.applySecurityAuthentication` makes a dispatcher, and with it a TLS connection, for each request; so the
 * first ones stay here and only the headers are renewed.
 */
export function makeConnection(kubeConfig: KubeConfig): Connection {
  let known: { authenticated: Authenticated; untilMs: number } | undefined;
  let dispatchers: Promise<{ short: Dispatcher; long: Dispatcher }> | undefined;

  return {
    async authenticate() {
      if (known && known.untilMs > Date.now()) return known.authenticated;
      const cluster = kubeConfig.getCurrentCluster();
      if (!cluster) throw new Error('The kubeconfig names no cluster');
      const context = new RequestContext(cluster.server, HttpMethod.GET);
      await kubeConfig.applySecurityAuthentication(context);
      dispatchers ??= makeDispatchers(kubeConfig, context);
      const server = cluster.server.replace(/\/$/, '');
      const authenticated = { server, headers: context.getHeaders(), ...(await dispatchers) };
      known = { authenticated, untilMs: Date.now() + credentialsLifeMs };
      return authenticated;
    },
    forget() {
      known = undefined;
    },
    async close() {
      const made = await dispatchers;
      await Promise.all([made?.short.destroy(), made?.long.destroy()]);
    },
  };
}

async function makeDispatchers(kubeConfig: KubeConfig, context: RequestContext) {
  const proxied = context.getDispatcher();
  if (kubeConfig.getCurrentCluster()?.proxyUrl && proxied) return { short: proxied, long: proxied };
  const { ca, cert, key, rejectUnauthorized, servername } = await readTlsOptions(kubeConfig);
  const connect = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    ...(servername !== undefined && { servername }),
    // Load balancers in between forget connections that are silent for a minute.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  };
  // Over HTTP/2 one lost connection would end every watch at once.
  const agent = (more: Agent.Options) => new Agent({ connect, allowH2: false, ...more });
  return { short: agent({ connections: mostConnections }), long: agent({}) };
}

async function readTlsOptions(kubeConfig: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await kubeConfig.applyToHTTPSOptions(options);
  return options;
}
