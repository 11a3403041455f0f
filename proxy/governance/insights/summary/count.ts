import { setTimeout as delay } from 'node:timers/promises';
import { addToDays } from '../../../../database/sentiment-days.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../context.ts';
import { addUp, type Counted } from './tally.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/** Counts texts and queries. */
export interface DayCounter {
  /**
   * Resolves when the sums of the days have it. An answer does not wait longer than a moment for that: where the database
   * is away, it is counted when that is back.
   */
  add(counted: Counted): Promise<void>;
  /** Resolves when nothing waits, or the database is away. */
  flush(): Promise<void>;
}

const patienceMs = 1_000;
const retryMs = 2_000;

const counters = new WeakMap<object, DayCounter>();

/** The counter of a process. Requests that come together share a statement. */
export function dayCounterOf(context: Context): DayCounter {
  const known = counters.get(context);
  if (known) return known;
  const made = makeDayCounter(context);
  counters.set(context, made);
  return made;
}

export function makeDayCounter({ inForce, store }: Context): DayCounter {
  let waiting: Counted[] = [];
  let writing: Promise<void> | undefined;
  let isRetrying = false;
  const write = async () => {
    while (waiting.length > 0) {
      const taken = waiting;
      waiting = [];
      try {
        const { organizationId } = inForce().snapshot;
        await store.run((db) => addToDays(db, organizationId, addUp(taken)));
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error;
        waiting = [addUp([...taken, ...waiting])];
        if (!isRetrying) setTimeout(again, retryMs).unref();
        isRetrying = true;
        return;
      }
    }
  };
  const again = () => {
    isRetrying = false;
    void flush();
  };
  const flush = (): Promise<void> => {
    writing ??= write().finally(() => {
      writing = undefined;
    });
    return writing;
  };
  return {
    async add(counted) {
      waiting.push(counted);
      // Whoever comes while a statement is under way is in the next one.
      const written = (writing ?? Promise.resolve()).then(flush);
      await Promise.race([written, delay(patienceMs, undefined, { ref: false })]);
    },
    flush,
  };
}
