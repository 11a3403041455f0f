/** The database's time, as this proxy knows it. All windows and leases go by it, so a wrong clock here does no harm. */
export interface DatabaseClock {
  /** Milliseconds since 1970. Until the database has told its time, this machine's. */
  nowMs(): number;
  /** Monotonic milliseconds, which no change of the machine's time affects. */
  ticks(): number;
  /** The database told its time in an answer that has just arrived. */
  learn(atMs: number): void;
}

export function makeDatabaseClock(
  ticks: () => number = () => performance.now(),
  wallMs: () => number = Date.now,
): DatabaseClock {
  let offsetMs = wallMs() - ticks();
  return {
    nowMs: () => ticks() + offsetMs,
    ticks,
    learn(atMs) {
      offsetMs = atMs - ticks();
    },
  };
}
