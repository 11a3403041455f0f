/** A wait that can be ended early. */
export interface Gathering {
  /** Waits for a batch to gather. */
  wait(): Promise<void>;
  /** Ends the wait that is under way. */
  end(): void;
}

/** @param ms how long a wait takes */
export function makeGathering(ms: number): Gathering {
  let end = () => {};
  return {
    wait: () =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    end: () => end(),
  };
}
