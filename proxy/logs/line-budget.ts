/** Lets so many lines pass, so that a client that is refused in a loop does not fill a disk. */
export interface LineBudget {
  /**
   * Whether a further line may pass.
   *
   * @returns undefined where it may not; else how many lines were left out before it
   */
  take(): number | undefined;
}

export interface LineBudgetOptions {
  readonly perSecond: number;
  /** How many may pass at once after a quiet time. */
  readonly burst: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
}

export function makeLineBudget({ perSecond, burst, nowMs }: LineBudgetOptions): LineBudget {
  let room = burst;
  let filledAtMs = nowMs();
  let leftOut = 0;
  return {
    take() {
      const now = nowMs();
      room = Math.min(burst, room + ((now - filledAtMs) / 1_000) * perSecond);
      filledAtMs = now;
      if (room < 1) {
        leftOut += 1;
        return undefined;
      }
      room -= 1;
      const before = leftOut;
      leftOut = 0;
      return before;
    },
  };
}

/** Of lines of one kind, per process. */
export const usualBudget = { perSecond: 20, burst: 100, nowMs: () => performance.now() };
