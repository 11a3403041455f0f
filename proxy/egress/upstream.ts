import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { ConnectionRequest, Connections } from '../providers/connections.ts';
import { connectionOptions } from './connection-options.ts';
import { Http1Client } from './http1/client.ts';
import type { EgressSettings } from './settings.ts';

/** The client for requests to providers: our own, or undici. */
export type HttpClientName = 'own' | 'undici';

export interface Upstream extends Connections {
  /** For what is not a request to a provider. */
  readonly agent: LoadAgent;
  /** Ends all connections. Requests under way fail. */
  destroy(): Promise<void>;
}

/** Loads undici when it is called first: many proxies never need it. */
export type LoadAgent = () => Promise<Dispatcher>;

/**
 * Makes the connections for everything that the process sends: calls, model lists, requests for stored resources,
 * analyses, background look-ups, and issuers' key sets.
 *
 * Where no forward proxy is named, connections are direct. Requests whose body is there then go through our own client,
 * which costs less processor time, and undici is loaded for the first other one.
 */
export async function makeUpstream(
  egress: EgressSettings | undefined,
  httpClient: HttpClientName = 'own',
): Promise<Upstream> {
  if (egress || httpClient === 'undici') {
    const agent = await makeAgent(egress);
    return {
      agent: async () => agent,
      dispatch: (request, handler) => agent.dispatch(request, handler),
      destroy: () => agent.destroy(),
    };
  }
  const own = new Http1Client();
  let loading: Promise<Dispatcher> | undefined;
  let isDestroyed = false;
  const load = async () => {
    const made = await makeAgent(undefined);
    if (isDestroyed) await made.destroy();
    return made;
  };
  const agent = () => {
    loading ??= load();
    return loading;
  };
  return {
    agent,
    dispatch(request, handler) {
      const { body } = request;
      if (body === null || typeof body === 'string' || Buffer.isBuffer(body)) own.send({ ...request, body }, handler);
      else void dispatchLater(agent(), request, body, handler);
    },
    async destroy() {
      isDestroyed = true;
      own.destroy();
      await (await loading)?.destroy();
    },
  };
}

/** A body that fails before undici takes it must not end the process; undici finds its error then. */
async function dispatchLater(
  agent: Promise<Dispatcher>,
  request: ConnectionRequest,
  body: Readable,
  handler: Dispatcher.DispatchHandler,
): Promise<void> {
  const ignore = () => {};
  body.on('error', ignore);
  const loaded = await agent;
  loaded.dispatch(request, handler);
  body.off('error', ignore);
}

async function makeAgent(egress: EgressSettings | undefined): Promise<Dispatcher> {
  const { Agent } = await import('undici');
  if (!egress) return new Agent(connectionOptions);
  const { dispatcherFor } = await import('./through-proxy.ts');
  return new Agent({
    ...connectionOptions,
    // Called once per origin, so its route is decided once.
    factory: (origin, options) => dispatcherFor(new URL(origin), egress, options),
  });
}
