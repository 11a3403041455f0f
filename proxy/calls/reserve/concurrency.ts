import { ProxyError } from '../../error.ts';
import type { Reservation, Reserve } from './reserve.ts';

/** How long SDKs wait before they retry. A running call ends soon, unlike a quota per minute. */
const retryAfterSeconds = 1;

/**
 * Limits the concurrent calls of the organization, by `spec.limits[].concurrent`. Calls are also counted while no limit
 * is in force, so that a new limit knows the running calls.
 *
 * @param onRefused called with the name of the limit that refused a call
 */
export function makeConcurrency(onRefused: (limit: string) => void): Reserve {
  let underWay = 0;
  const giveBack = () => {
    underWay -= 1;
  };
  const reservation: Reservation = { settle: giveBack, release: giveBack };
  return ({ inForce }) => {
    const { limits } = inForce.snapshot.spec;
    if (limits) {
      for (const { name, concurrent } of limits) {
        if (concurrent === undefined || underWay < concurrent) continue;
        onRefused(name);
        throw new ProxyError('limit_reached', {
          message: `A limit of the organization is reached: ${name} lets ${concurrent} ${concurrent === 1 ? 'call' : 'calls'} be under way at once at this proxy; try again in a moment`,
          headers: { 'retry-after': String(retryAfterSeconds) },
        });
      }
    }
    underWay += 1;
    return reservation;
  };
}
