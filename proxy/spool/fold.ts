import type { Logger } from 'pino';
import { foldSomeUnlessBusy } from '../../database/analytics/fold.ts';
import type { Store } from '../store.ts';

export interface FolderOptions {
  readonly store: Store;
  readonly log: Logger;
}

/** Adds shipped records to the sums that analytics read, many batches at a time. */
export interface Folder {
  /** Call this when so many records were shipped. */
  onShipped(rows: number): void;
  stop(): void;
}

/**
 * When to fold: so long after a record, or as soon as there are very many of this proxy's. A read of analytics folds first
 * anyway, so this only bounds how much is left for it, to about one step. PostgreSQL needs as long to plan a fold as to
 * fold 1,500 records, and a larger one has more records of the same session or day, and writes each sum once. So hundreds
 * of proxies with few calls each would keep a processor busy with it every ten seconds: few records wait as long as those
 * of a proxy that has died wait for a worker.
 */
const gatherMs = { many: 10_000, few: 60_000 };
const manyRows = 100;
const mostRows = 5_000;

export function makeFolder({ store, log }: FolderOptions): Folder {
  let timer: NodeJS.Timeout | undefined;
  let isForMany = false;
  let stopped = false;
  let gathered = 0;
  let folding = false;
  const gather = () => {
    const areMany = gathered >= manyRows;
    if (timer && (isForMany || !areMany)) return;
    clearTimeout(timer);
    isForMany = areMany;
    timer = setTimeout(fold, areMany ? gatherMs.many : gatherMs.few);
  };
  const fold = async () => {
    clearTimeout(timer);
    timer = undefined;
    if (folding) return;
    folding = true;
    gathered = 0;
    try {
      // Other work gets its turn on the connection between two steps.
      while (!stopped && (await store.run(foldSomeUnlessBusy)));
    } catch (error) {
      log.warn({ err: error }, 'cannot add up usage; it is tried again after the next batch');
    }
    folding = false;
    if (gathered > 0 && !stopped) gather();
  };
  return {
    onShipped(rows) {
      if (stopped) return;
      gathered += rows;
      if (gathered >= mostRows) void fold();
      else gather();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
