import { Agent, type Dispatcher } from 'undici';
import { connectionOptions } from './connection-options.ts';
import type { EgressSettings } from './settings.ts';

/**
 * Makes the connections for everything that the process sends: calls, model lists, requests for stored resources,
 * analyses, background look-ups, and issuers' key sets.
 *
 * Where no forward proxy is named, connections are direct, and the code for forward proxies is not loaded.
 */
export async function makeUpstream(egress: EgressSettings | undefined): Promise<Dispatcher> {
  if (!egress) return new Agent(connectionOptions);
  const { dispatcherFor } = await import('./through-proxy.ts');
  return new Agent({
    ...connectionOptions,
    // Called once per origin, so its route is decided once.
    factory: (origin, options) => dispatcherFor(new URL(origin), egress, options),
  });
}
