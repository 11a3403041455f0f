import { Agent, type Dispatcher } from 'undici';
import type { Connections } from '../providers/connections.ts';
import { connectionOptions } from './connection-options.ts';
import { Http1Client } from './http1/client.ts';
import type { EgressSettings } from './settings.ts';

/** The client for requests to providers: our own, or undici. */
export type HttpClientName = 'own' | 'undici';

export interface Upstream extends Connections {
  /** For what is not a request to a provider. */
  readonly agent: Dispatcher;
  /** Ends all connections. Requests under way fail. */
  destroy(): Promise<void>;
}

/**
 * Makes the connections for everything that the process sends: calls, model lists, requests for stored resources,
 * analyses, background look-ups, and issuers' key sets.
 *
 * Where no forward proxy is named, connections are direct, and the code for forward proxies is not loaded. Requests whose
 * body is there then go through our own client, which costs less processor time. All others go through undici.
 */
export async function makeUpstream(
  egress: EgressSettings | undefined,
  httpClient: HttpClientName = 'own',
): Promise<Upstream> {
  const agent = await makeAgent(egress);
  if (egress || httpClient === 'undici') {
    return { agent, dispatch: (request, handler) => agent.dispatch(request, handler), destroy: () => agent.destroy() };
  }
  const own = new Http1Client();
  return {
    agent,
    dispatch(request, handler) {
      const { body } = request;
      if (body === null || typeof body === 'string' || Buffer.isBuffer(body)) own.send({ ...request, body }, handler);
      else agent.dispatch(request, handler);
    },
    destroy() {
      own.destroy();
      return agent.destroy();
    },
  };
}

async function makeAgent(egress: EgressSettings | undefined): Promise<Dispatcher> {
  if (!egress) return new Agent(connectionOptions);
  const { dispatcherFor } = await import('./through-proxy.ts');
  return new Agent({
    ...connectionOptions,
    // Called once per origin, so its route is decided once.
    factory: (origin, options) => dispatcherFor(new URL(origin), egress, options),
  });
}
