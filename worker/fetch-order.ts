/** Lets the places of a worker fetch jobs one after the other, so that each sees what the one before has got. */
export interface FetchOrder {
  /** Resolves when this fetch may begin. */
  enter(): Promise<void>;
  /** Called when the outcome of the fetch under way is known. */
  leave(): void;
}

/** @param longestMs a fetch of which nothing is heard for longer keeps nobody waiting */
export function makeFetchOrder(longestMs = 5_000): FetchOrder {
  let last = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let release: (() => void) | undefined;
  const leave = () => {
    clearTimeout(timer);
    release?.();
    release = undefined;
  };
  return {
    async enter() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const former = last;
      last = promise;
      await former;
      release = resolve;
      timer = setTimeout(leave, longestMs);
      timer.unref();
    },
    leave,
  };
}
