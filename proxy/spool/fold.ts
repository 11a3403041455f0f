import type { Logger } from 'pino';
import { foldSomeUnlessBusy } from '../../database/analytics/fold.ts';
import type { Store } from '../store.ts';

export interface FolderOptions {
  readonly store: Store;
  readonly log: Logger;
}

/** Has what was shipped added to the sums that analytics read, many batches at a time. */
export interface Folder {
  /** Tells that records were shipped. */
  onShipped(): void;
  stop(): void;
}

/**
 * Whoever reads analytics folds first, so this only bounds how much there is to fold then. The more is folded at once, the
 * more often a session or a day is in it again, and is written once.
 */
const gatherMs = 2_000;

export function makeFolder({ store, log }: FolderOptions): Folder {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const fold = async () => {
    try {
      // Others get their turn at the connection between two steps.
      while (!stopped && (await store.run(foldSomeUnlessBusy)));
    } catch (error) {
      log.warn({ err: error }, 'usage could not be added up; it is tried again with the next');
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
