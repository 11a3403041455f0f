import type { RequestOptions } from 'node:https';
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';

/** Address, credentials and connections for requests to the API server. */
export interface Authenticated {
  /** `prefix` is the path before that of every request. Empty where the API server is reached directly. */
  readonly server: { readonly origin: string; readonly prefix: string };
  readonly headers: Readonly<Record<string, string>>;
  /** For short requests. The number of connections is limited. */
  readonly short: Dispatcher;
  /** For answers that last for minutes. They must not use up the connections for short requests. */
  readonly long: Dispatcher;
}

export interface Connection {
  authenticate(): Promise<Authenticated>;
  /** Makes the next request authenticate again. */
  forget(): void;
  close(): Promise<void>;
}

/**
 * How long credentials are reused. Projected tokens are renewed long before they expire, so reading the file this often
 * is enough.
 */
const credentialsCacheMs = 30_000;
/** Each takes 100 KB, and with so many at once an API server has enough to do. */
const maxConnections = 16;

/**
 * Makes a connection from a kubeconfig's address, credentials and TLS settings.
 *
 * `KubeConfig.applySecurityAuthentication` makes a dispatcher, and so a TLS connection, for each request. So this keeps
 * the first dispatchers and renews only the headers.
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
      const { origin, pathname } = new URL(cluster.server);
      const server = { origin, prefix: pathname.replace(/\/$/, '') };
      const authenticated = { server, headers: context.getHeaders(), ...(await dispatchers) };
      known = { authenticated, untilMs: Date.now() + credentialsCacheMs };
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
    // Load balancers drop connections that are silent for a minute.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  };
  // With HTTP/2, one lost connection would end all watches at once.
  const agent = (more: Agent.Options) => new Agent({ connect, allowH2: false, ...more });
  return { short: agent({ connections: maxConnections }), long: agent({}) };
}

async function readTlsOptions(kubeConfig: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await kubeConfig.applyToHTTPSOptions(options);
  return options;
}
