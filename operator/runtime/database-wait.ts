import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { describeOutage, outageKindOf } from '../../database/outage.ts';

export interface DatabaseWaitOptions {
  readonly log: Logger;
  /**
   * Called with the reason when the wait begins and whenever the reason changes, and with `undefined` when the wait is
   * over.
   */
  readonly onWait?: (reason: string | undefined) => void | Promise<void>;
  /** The first and the maximum pause between two attempts. */
  readonly pausesMs?: readonly [first: number, longest: number];
}

/**
 * Repeats an attempt until the database can be used: it may start after the operator. If the process ended instead, it
 * would be restarted after a backoff of minutes, without its warm caches and its webhooks.
 *
 * @throws any error that is not an outage of the database
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
      const kind = outageKindOf(error);
      if (kind === undefined) throw error;
      log.warn({ err: error, kind, pauseMs }, 'the database cannot be used yet; trying again');
      await onWait(`the database cannot be used yet (${describeOutage(error)})`);
      // Jittered, so that many operators do not reconnect to one database at the same time.
      await delay(pauseMs * (0.75 + Math.random() / 2));
    }
  }
}
