/** Work that a provider continues after its answer: a background response or a batch. */
export interface BackgroundWork {
  readonly state: 'queued' | 'in_progress' | 'completed' | 'cancelled';
  /** Resolves when the work has ended in any way. */
  readonly ended: Promise<void>;
  /** Ends it now. Only the first end counts. */
  end(state: 'completed' | 'cancelled'): void;
}

/**
 * Starts work that takes `ms` milliseconds. It spends the first half in a queue.
 *
 * @param onEnd called once, with the final state
 */
export function startWork(ms: number, onEnd: (state: 'completed' | 'cancelled') => void): BackgroundWork {
  const startedAt = performance.now();
  const ended = Promise.withResolvers<void>();
  let final: 'completed' | 'cancelled' | undefined;
  const end: BackgroundWork['end'] = (state) => {
    if (final) return;
    final = state;
    clearTimeout(timer);
    onEnd(state);
    ended.resolve();
  };
  const timer = setTimeout(() => end('completed'), ms);
  timer.unref();
  return {
    get state() {
      return final ?? (performance.now() - startedAt < ms / 2 ? 'queued' : 'in_progress');
    },
    ended: ended.promise,
    end,
  };
}
