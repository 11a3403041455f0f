import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isOutage } from '../../database/outage.ts';

export interface DatabaseWaitOptions {
  readonly log: Logger;
  /** Told why there is a wait, at its beginning and whenever the reason is another; and `undefined` when it is over. */
  readonly onWait?: (reason: string | undefined) => void;
  /** The first and the longest pause between two attempts. */
  readonly pausesMs?: readonly [first: number, longest: number];
}

/**
 * Attempts what needs the database until there is one: it may come up after the operator. A process that ended instead
 * would be started again with a back-off of minutes, and take its warm caches and its webhooks with it.
 *
 * @throws what has another cause than a database that cannot be used
 */
export async function whenDatabaseAnswers<T>(attempt: () => Promise<T>, options: DatabaseWaitOptions): Promise<T> {
  const { log, onWait = () => {}, pausesMs = [500, 15_000] } = options;
  const [first, longest] = pausesMs;
  for (let pauseMs = first; ; pauseMs = Math.min(pauseMs * 2, longest)) {
    try {
      const result = await attempt();
      onWait(undefined);
      return result;
    } catch (error) {
      if (!isOutage(error)) throw error;
      log.warn({ err: error, pauseMs }, 'the database cannot be used yet; trying again');
      onWait(`the database cannot be used yet (${describe(error)})`);
      // Jittered, so that many operators do not come back to one database together.
      await delay(pauseMs * (0.75 + Math.random() / 2));
    }
  }
}

/** Where a name has several addresses, each has its own failure, and the whole no words. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
