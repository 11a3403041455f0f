import { Agent, type Dispatcher } from 'undici';
import { connectionOptions } from './connection-options.ts';
import type { EgressSettings } from './settings.ts';

/**
 * Makes the connections by which everything leaves that the process sends: calls, lists of models, what is kept at
 * providers, analyses, background look-ups, issuers' key sets.
 *
 * Where no proxy is named, nothing is in between, and what it takes to use one is not loaded.
 */
export async function makeUpstream(egress: EgressSettings | undefined): Promise<Dispatcher> {
  if (!egress) return new Agent(connectionOptions);
  const { dispatcherFor } = await import('./through-proxy.ts');
  return new Agent({
    ...connectionOptions,
    // Asked once for an origin, so the way to it is decided once.
    factory: (origin, options) => dispatcherFor(new URL(origin), egress, options),
  });
}
