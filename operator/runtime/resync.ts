import { setTimeout as delay } from 'node:timers/promises';

export interface Resync {
  /** Resolves once nothing is under way any more. */
  stop(): Promise<void>;
}

/**
 * Resyncs at once and then every `periodMs`, give or take a tenth: so that operators of many clusters do not come to one
 * database together.
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
