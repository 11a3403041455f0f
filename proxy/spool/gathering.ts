/** How long a batch gathers. */
export interface GatheringTimes {
  /** Every batch gathers so long. */
  readonly usualMs: number;
  /** So long in all, where many rows have come meanwhile. */
  readonly busyMs: number;
  /** From so many rows on, a batch gathers on. */
  readonly busyRows: number;
  /** So many rows are a full batch. */
  readonly fullRows: number;
}

/** A wait that can be ended early. */
export interface Gathering {
  /** Waits for a batch to gather. */
  wait(): Promise<void>;
  /** Ends the wait that is under way. */
  end(): void;
}

/** @param waiting how many rows wait now */
export function makeGathering(
  { usualMs, busyMs, busyRows, fullRows }: GatheringTimes,
  waiting: () => number,
): Gathering {
  let end = () => {};
  return {
    wait: () =>
      new Promise((resolve) => {
        let timer = setTimeout(() => {
          const rows = waiting();
          if (rows >= busyRows && rows < fullRows) timer = setTimeout(resolve, busyMs - usualMs);
          else resolve();
        }, usualMs);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    end: () => end(),
  };
}
