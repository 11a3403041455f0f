import type { Logger } from 'pino';
import type { Queryable } from './queryable.ts';
import { ensureRequestPartitions } from './requests.ts';

/**
 * How many months ahead partitions are made. If neither operator nor worker runs for longer, records go to the default
 * partition.
 */
const monthsAhead = 3;

/**
 * Makes the partitions of the current and the following months. A failure for one month does not affect the others: its
 * records go to the default partition, and the next attempt tries again.
 */
export async function makePartitionsAhead(db: Queryable, log: Logger, nowMs: number): Promise<void> {
  for (const month of monthsFrom(nowMs)) {
    try {
      await ensureRequestPartitions(db, month);
    } catch (error) {
      const name = month.toISOString().slice(0, 7);
      log.warn({ err: error, month: name }, 'cannot make the partition of a month; its records go to the default one');
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
