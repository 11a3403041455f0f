import type { Logger } from 'pino';
import type { Queryable } from '../database/queryable.ts';
import { ensureRequestPartitions } from '../database/requests.ts';

/** A month of which the operator knows nothing in all this time goes on in the default partition. */
const monthsAhead = 3;

/**
 * Makes the partitions of the present month and of those that follow. A month that cannot be made keeps no other from it:
 * its records go to the default partition, and the next attempt looks again.
 */
export async function makePartitionsAhead(db: Queryable, log: Logger, nowMs: number): Promise<void> {
  for (const month of monthsFrom(nowMs)) {
    try {
      await ensureRequestPartitions(db, month);
    } catch (error) {
      const name = month.toISOString().slice(0, 7);
      log.warn(
        { err: error, month: name },
        'the partition of a month could not be made; its records go to the default one',
      );
    }
  }
}

function monthsFrom(nowMs: number): Date[] {
  const now = new Date(nowMs);
  return Array.from(
    { length: monthsAhead + 1 },
    (_, months) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)),
  );
}
