import type { Logger } from 'pino';
import { foldSomeUnlessBusy } from '../../database/analytics/fold.ts';
import type { Store } from '../store.ts';

export interface FolderOptions {
  readonly store: Store;
  readonly log: Logger;
}

/** Adds shipped records to the sums that analytics read, many batches at a time. */
export interface Folder {
  /** Call this when records were shipped. */
  onShipped(): void;
  stop(): void;
}

/**
 * How long to gather before a fold. A read of analytics folds first anyway, so this only bounds how much is left for
 * it. A larger fold has more records of the same session or day, and writes each sum once.
 */
const gatherMs = 2_000;

export function makeFolder({ store, log }: FolderOptions): Folder {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const fold = async () => {
    try {
      // Other work gets its turn on the connection between two steps.
      while (!stopped && (await store.run(foldSomeUnlessBusy)));
    } catch (error) {
      log.warn({ err: error }, 'cannot add up usage; it is tried again after the next batch');
    }
    timer = undefined;
  };
  return {
    onShipped() {
      if (!stopped) timer ??= setTimeout(fold, gatherMs);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
