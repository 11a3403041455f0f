import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { connectionOptions } from './connection-options.ts';
import { type EgressSettings, proxyFor } from './settings.ts';

/** The connections to an origin: through a proxy, or directly where none is for it. */
export function dispatcherFor(origin: URL, egress: EgressSettings, options: object): Dispatcher {
  const proxy = proxyFor(origin, egress);
  if (!proxy) return new Pool(origin, options);
  const connectMs = connectionOptions.connect.timeout;
  return new ProxyAgent({
    ...connectionOptions,
    uri: proxy.href,
    connectTimeout: connectMs,
    // For the requests that open tunnels: a proxy that takes them and says nothing is one that cannot be connected to.
    clientFactory: (address, clientOptions) =>
      new Pool(address, {
        ...clientOptions,
        headersTimeout: connectMs,
        keepAliveTimeout: connectionOptions.keepAliveTimeout,
      }),
  });
}
