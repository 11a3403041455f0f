import type { RequestRecord } from '../../../database/requests.ts';
import type { CallContext } from '../context.ts';

/** A call's reservation of limited capacity. Exactly one of these methods ends it, once. */
export interface Reservation {
  /**
   * The call is no longer running here.
   *
   * @param record the record so far: with its usage, unless the provider works on
   */
  settle(record: RequestRecord): void;
  /** The call was not made. */
  release(): void;
}

/**
 * Reserves what a call needs, after admission and before it goes upstream.
 *
 * @throws {ProxyError} where there is not enough; then nothing is reserved
 */
export type Reserve = (context: CallContext) => Reservation;

/** Combines several reserves. A call needs all of them; where one refuses, the others are released. */
export function reserveAll(reserves: readonly Reserve[]): Reserve {
  const [only] = reserves;
  if (reserves.length === 1 && only) return only;
  return (context) => {
    const taken: Reservation[] = [];
    try {
      for (const reserve of reserves) taken.push(reserve(context));
    } catch (error) {
      for (const reservation of taken) reservation.release();
      throw error;
    }
    return {
      settle(record) {
        for (const reservation of taken) reservation.settle(record);
      },
      release() {
        for (const reservation of taken) reservation.release();
      },
    };
  };
}
