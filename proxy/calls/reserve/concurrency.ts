import { ProxyError } from '../../error.ts';
import type { Reservation, Reserve } from './reserve.ts';

/** SDKs wait at least this long before they try again: a call ends sooner than a minute's quota is renewed. */
const retryAfterSeconds = 1;

/**
 * Limits how many calls of the organization are under way at once, by `spec.limits[].concurrent`. Calls count also while
 * no limit is in force, so that one which comes into force knows of them.
 *
 * @param onRefused told of the limit that refused a call, by its name
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
