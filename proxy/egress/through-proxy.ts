import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { connectionOptions } from './connection-options.ts';
import { type EgressSettings, proxyFor } from './settings.ts';

/** Makes the connections to an origin, through its forward proxy or directly. */
export function dispatcherFor(origin: URL, egress: EgressSettings, options: object): Dispatcher {
  const proxy = proxyFor(origin, egress);
  if (!proxy) return new Pool(origin, options);
  const connectMs = connectionOptions.connect.timeout;
  return new ProxyAgent({
    ...connectionOptions,
    uri: proxy.href,
    connectTimeout: connectMs,
    // For the CONNECT requests that open tunnels. A forward proxy that never answers them counts as unreachable.
    clientFactory: (address, clientOptions) =>
      new Pool(address, {
        ...clientOptions,
        headersTimeout: connectMs,
        keepAliveTimeout: connectionOptions.keepAliveTimeout,
      }),
  });
}
