import type { Snapshot } from '../snapshot/snapshot.ts';
import type { CacheLook } from './cache-look.ts';
import type { CacheUse } from './cache-use.ts';
import type { CacheableCall } from './cacheable-call.ts';
import type { ReadyCache, ReadyCacheOptions } from './ready-cache.ts';

/** The answers that an organization replays. An organization without a cache loads nothing for it. */
export interface AnswerCache {
  /** Loads what the cache needs, so that no call waits for it. */
  prepare(snapshot: Pick<Snapshot, 'spec'>): void;
  /**
   * Decides what the cache does for an admitted call.
   *
   * @returns undefined where the organization has no cache; a promise only where the answer is not in memory
   * @throws {ProxyError} `not_cached` where the client wants no other answer than one from the cache
   */
  use(call: CacheableCall): CacheUse | undefined | Promise<CacheUse | undefined>;
  /**
   * Says what the cache would do for a call. Nobody asks, waits or counts for it.
   *
   * @param workload the pod whose call it would be. Undefined outside of pods.
   */
  look(call: CacheableCall, workload: ReadyCacheOptions['workload']): Promise<CacheLook>;
  /** Another configuration is in force, or somebody was erased: nothing in memory is replayed any more. */
  forget(): void;
  /** The memory that answers take. */
  bytes(): number;
  close(): void;
}

export function makeAnswerCache(options: ReadyCacheOptions): AnswerCache {
  let ready: ReadyCache | undefined;
  let loading: Promise<ReadyCache> | undefined;
  const load = (): Promise<ReadyCache> => {
    loading ??= import('./ready-cache.ts').then(({ readyCache }) => {
      ready = readyCache(options);
      return ready;
    });
    return loading;
  };
  return {
    prepare({ spec }) {
      // A call that needs it gets the error.
      if (spec.cache && !ready) load().catch(() => {});
    },
    use(call) {
      if (call.snapshot.spec.cache === undefined) return undefined;
      return ready ? ready.use(call) : load().then((it) => it.use(call));
    },
    look: async (call, workload) => (ready ?? (await load())).look(call, workload),
    forget: () => ready?.forget(),
    bytes: () => ready?.bytes() ?? 0,
    close: () => ready?.close(),
  };
}
