import type { IncomingMessage } from 'node:http';
import type { Identified, InForce } from '../context.ts';
import { whenKnown } from '../when-known.ts';
import type { Identify } from './identify.ts';
import { requireSingleHeaders } from './single-headers.ts';

/**
 * Finds the caller of a request, by its credential and its other headers.
 *
 * @param mayLackUser whether the request needs no user, even where the organization requires one of calls
 * @throws {ProxyError} where there is no caller, or two
 */
export type FindCaller = (
  request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
  mayLackUser?: boolean,
) => Identified | Promise<Identified>;

/**
 * Makes the step that finds the caller. Only this step takes the configuration in force; a call keeps it to its end.
 *
 * @param inForce throws ProxyError where no configuration is in force
 */
export function makeFindCaller(inForce: () => InForce, identify: Identify): FindCaller {
  return ({ headers, rawHeaders }, mayLackUser = false) => {
    requireSingleHeaders(rawHeaders);
    const current = inForce();
    const { authenticator, snapshot } = current;
    return whenKnown(authenticator.authenticate(headers, snapshot), (identity) => ({
      caller: identify(identity, headers, snapshot, mayLackUser),
      inForce: current,
    }));
  };
}
