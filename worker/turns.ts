/** Gives each organization its turn among the places of this worker. */
export interface Turns {
  begin(organization: string): void;
  end(organization: string): void;
  /** The flags of jobs that are left alone now. Null: none. */
  flags(): string[] | null;
  /** Whether any organization has to wait. */
  someWait(): boolean;
  /**
   * Takes a look at who has jobs that are due.
   *
   * @returns whether somebody has to wait no longer
   */
  look(waiting: ReadonlySet<string>): boolean;
}

export function makeTurns(places: number): Turns {
  const running = new Map<string, number>();
  let waiting: ReadonlySet<string> = new Set();
  const now = () => whoWaits(running, waiting, places);
  return {
    begin: (organization) => void running.set(organization, (running.get(organization) ?? 0) + 1),
    end(organization) {
      const left = (running.get(organization) ?? 0) - 1;
      if (left > 0) running.set(organization, left);
      else running.delete(organization);
    },
    flags() {
      const waits = now();
      return waits.size === 0 ? null : Array.from(waits, (organization) => `organization:${organization}`);
    },
    someWait: () => now().size > 0,
    look(seen) {
      const before = now();
      waiting = seen;
      const after = now();
      return [...before].some((organization) => !after.has(organization));
    },
  };
}

/**
 * Which organizations have to wait, so that each gets its turn: with a slow provider, or with very many jobs, one of
 * them would otherwise hold every place.
 *
 * An organization never holds more than three quarters of the places, so that a newcomer begins at once. Where others
 * have jobs that are due, a free place goes to one of those with the fewest.
 *
 * @param running how many jobs of each organization this worker runs
 * @param waiting the organizations with jobs that are due
 */
export function whoWaits(
  running: ReadonlyMap<string, number>,
  waiting: ReadonlySet<string>,
  places: number,
): ReadonlySet<string> {
  const most = Math.max(1, Math.floor(places * 0.75));
  const fewest = Math.min(...Array.from(waiting, (organization) => running.get(organization) ?? 0));
  const waits = new Set<string>();
  for (const [organization, count] of running) {
    if (count >= most || count > fewest) waits.add(organization);
  }
  return waits;
}
