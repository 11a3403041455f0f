import type { Logger } from 'pino';
import { type CallBounds, noteCallBounds, readCallBounds } from '../../../database/call-bounds.ts';
import type { Queryable } from '../../../database/queryable.ts';

/** What the organization's proxies have learned of calls. */
export type LearnedBounds = Omit<CallBounds, 'operation' | 'model'>;

export interface ShareBoundsOptions {
  readonly organizationId: string;
  readonly run: <T>(work: (db: Queryable) => Promise<T>) => Promise<T>;
  readonly log: Logger;
  /** How soon the database is asked first, and how soon at most. */
  readonly pausesMs?: { readonly first: number; readonly last: number };
}

/**
 * Shares what a proxy has learned of the calls of a model with the organization's others, through the database. So a new proxy
 * does not begin with the highest bounds. No call waits for it, and nothing is read or written before a rule needs it.
 */
export interface SharedBounds {
  /** What is known of calls of which this proxy has not seen enough. The first look comes too late for its own call. */
  find(operation: string, model: string): LearnedBounds | undefined;
  /** This proxy has seen enough calls. */
  note(bounds: CallBounds): void;
  /** Resolves when nothing is being read or written. */
  stop(): Promise<void>;
}

export function shareBounds(options: ShareBoundsOptions): SharedBounds {
  const { organizationId, run, log, pausesMs = { first: 500, last: 60_000 } } = options;
  let known = new Map<string, LearnedBounds>();
  let waiting = new Map<string, CallBounds>();
  let timer: NodeJS.Timeout | undefined;
  let work: Promise<void> = Promise.resolve();
  /** It doubles while nothing new is learned. */
  let pauseMs = 0;
  let hasStopped = false;

  const exchange = async () => {
    const told = [...waiting.values()];
    waiting = new Map();
    try {
      const read = await run(async (db) => {
        if (told.length > 0) await noteCallBounds(db, organizationId, told);
        return readCallBounds(db, organizationId);
      });
      known = new Map(read.map(({ operation, model, ...bounds }) => [keyOf(operation, model), bounds]));
    } catch (error) {
      // They are told again once more calls were made.
      log.warn({ err: error }, 'cannot share with the other proxies what calls were like');
    }
    pauseMs = Math.min(pausesMs.last, Math.max(pausesMs.first, pauseMs * 2));
    timer = undefined;
  };
  const schedule = () => {
    if (timer || hasStopped) return;
    timer = setTimeout(() => {
      work = exchange();
    }, pauseMs);
    timer.unref();
  };
  return {
    find(operation, model) {
      const found = known.get(keyOf(operation, model));
      if (!found) schedule();
      return found;
    },
    note(bounds) {
      waiting.set(keyOf(bounds.operation, bounds.model), bounds);
      pauseMs = Math.min(pauseMs, pausesMs.first);
      schedule();
    },
    async stop() {
      hasStopped = true;
      clearTimeout(timer);
      await work;
    },
  };
}

const keyOf = (operation: string, model: string) => `${operation}\n${model}`;
