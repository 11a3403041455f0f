import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { describeOutage, isOutage } from '../../database/outage.ts';

export interface DatabaseWaitOptions {
  readonly log: Logger;
  /** Told why there is a wait, at its beginning and whenever the reason is another; and `undefined` when it is over. */
  readonly onWait?: (reason: string | undefined) => void | Promise<void>;
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
      await onWait(undefined);
      return result;
    } catch (error) {
      if (!isOutage(error)) throw error;
      log.warn({ err: error, pauseMs }, 'the database cannot be used yet; trying again');
      await onWait(`the database cannot be used yet (${describeOutage(error)})`);
      // Jittered, so that many operators do not come back to one database together.
      await delay(pauseMs * (0.75 + Math.random() / 2));
    }
  }
}
