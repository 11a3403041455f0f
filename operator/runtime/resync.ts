import { setTimeout as delay } from 'node:timers/promises';

export interface Resync {
  /** Stops, and resolves when no resync is running. */
  stop(): Promise<void>;
}

/**
 * Resyncs at once and then every `periodMs`, plus or minus a tenth, so that the operators of many clusters do not hit
 * one database at the same time.
 *
 * @param resync must not reject
 */
export function startResync(resync: () => Promise<void>, periodMs: number): Resync {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async () => {
    while (!signal.aborted) {
      await resync();
      await delay(periodMs * (0.9 + Math.random() / 5), undefined, { signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
