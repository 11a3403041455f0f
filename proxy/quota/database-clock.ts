/** A moment, by both clocks. Of one call it is asked for once. */
export interface Moment {
  /** Milliseconds since 1970, by the database's clock. */
  readonly ms: number;
  /** Monotonic milliseconds, which no change of the machine's time affects. */
  readonly ticks: number;
}

/** The database's time, as this proxy knows it. All windows and leases go by it, so a wrong clock here does no harm. */
export interface DatabaseClock {
  /** Until the database has told its time, `ms` is this machine's. */
  now(): Moment;
  /** Of `now`, what is not of the database. */
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
    now() {
      const nowTicks = ticks();
      return { ms: nowTicks + offsetMs, ticks: nowTicks };
    },
    ticks,
    learn(atMs) {
      offsetMs = atMs - ticks();
    },
  };
}
