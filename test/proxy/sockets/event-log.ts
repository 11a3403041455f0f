/** Events of a session as they arrive, each of which a test can wait for. */
export interface EventLog<Event extends { readonly type: string }> {
  /** All events so far. */
  readonly events: Event[];
  push(event: Event): void;
  /** No more will come. */
  end(): void;
  /** Resolves with the first event of this type that nobody has waited for yet. */
  next(type: string): Promise<Event>;
}

const patienceMs = 60_000;

export function makeEventLog<Event extends { readonly type: string }>(): EventLog<Event> {
  const events: Event[] = [];
  const taken = new Map<string, number>();
  const listeners = new Set<() => void>();
  let hasEnded = false;
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };
  return {
    events,
    push(event) {
      events.push(event);
      tell();
    },
    end() {
      hasEnded = true;
      tell();
    },
    next(type) {
      const at = taken.get(type) ?? 0;
      taken.set(type, at + 1);
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = events.filter((event) => event.type === type)[at];
          if (!found && !hasEnded) return;
          listeners.delete(look);
          clearTimeout(timer);
          if (found) resolve(found);
          else reject(new Error(`closed before ${type}; events: ${events.map((event) => event.type).join(' ')}`));
        };
        const timer = setTimeout(() => {
          listeners.delete(look);
          reject(new Error(`no ${type}; events: ${JSON.stringify(events).slice(0, 3_000)}`));
        }, patienceMs);
        listeners.add(look);
        look();
      });
    },
  };
}
