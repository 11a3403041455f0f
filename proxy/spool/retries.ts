/** Runs work until nothing is left. Work that fails is tried again after a growing pause. */
export interface Retries {
  /** Starts the work soon, unless it is running or about to. */
  start(): void;
  /** Resolves when the work that is running has ended. It is not started again. */
  stop(): Promise<void>;
}

const pauseMs = { first: 100, last: 2_000 };

/** @param hasMore whether there is work again when the work has ended */
export function makeRetries(
  work: () => Promise<void>,
  hasMore: () => boolean,
  onFailure: (error: unknown) => void,
): Retries {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let nextPauseMs = pauseMs.first;

  const run = async () => {
    let afterMs = 0;
    try {
      await work();
      nextPauseMs = pauseMs.first;
    } catch (error) {
      onFailure(error);
      afterMs = nextPauseMs * (0.5 + Math.random());
      nextPauseMs = Math.min(nextPauseMs * 2, pauseMs.last);
    }
    working = undefined;
    if (hasMore()) schedule(afterMs);
  };
  const schedule = (afterMs: number) => {
    if (isStopped || working) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      working = run();
    }, afterMs);
  };
  return {
    start: () => schedule(0),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
