import type { RequestRecord } from '../../../database/requests.ts';
import type { CallContext } from '../context.ts';

/** What a call takes of something limited. It is given back by one of these, once. */
export interface Reservation {
  /**
   * The call is not under way here any more.
   *
   * @param record what is known of it: all that it used, unless its provider works on
   */
  settle(record: RequestRecord): void;
  /** The call was not made. */
  release(): void;
}

/**
 * Takes what a call needs, after it was admitted and before it goes upstream.
 *
 * @throws {ProxyError} where there is not enough; then nothing is taken
 */
export type Reserve = (context: CallContext) => Reservation;

/** Several as one: a call needs all of them, and where one refuses, the others get back what they gave. */
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
