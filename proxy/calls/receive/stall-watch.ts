/** Ends stalled bodies: a client that sends part of a body and then stops would keep it in memory. */
export interface StallWatch {
  /** @param onStalled called once, when nothing has arrived for too long */
  watch(onStalled: () => void): Watched;
}

export interface Watched {
  /** Call this when bytes have arrived. */
  touch(): void;
  /** Call this when the body is complete. */
  end(): void;
}

class Entry implements Watched {
  readonly onStalled: () => void;
  readonly #watched: Set<Entry>;
  #touchedTicks = performance.now();

  constructor(onStalled: () => void, watched: Set<Entry>) {
    this.onStalled = onStalled;
    this.#watched = watched;
    watched.add(this);
  }

  touch(): void {
    this.#touchedTicks = performance.now();
  }

  end(): void {
    this.#watched.delete(this);
  }

  isStalled(now: number, stallMs: number): boolean {
    return now - this.#touchedTicks >= stallMs;
  }
}

/** One timer for all bodies, since most are complete before it fires. */
export function makeStallWatch(stallMs: number): StallWatch {
  const watched = new Set<Entry>();
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const now = performance.now();
    for (const entry of watched) {
      if (!entry.isStalled(now, stallMs)) continue;
      watched.delete(entry);
      entry.onStalled();
    }
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  return {
    watch(onStalled) {
      const entry = new Entry(onStalled, watched);
      timer ??= setInterval(look, Math.min(stallMs, 1_000)).unref();
      return entry;
    },
  };
}
