/** Decides when refusals that repeat are written, so that no caller can fill the database with them. */
export interface Repeats<Item> {
  /** @param key what all that are counted together have in common */
  note(key: string, item: Item): void;
  /** Writes what is due. Call it about once a second while it returns true: something is still counted. */
  due(): boolean;
  /** Writes all that is counted and not written. */
  flush(): void;
}

export interface RepeatsOptions<Item> {
  readonly nowMs: () => number;
  /** @param item the first of those that are written together @param last when the last of them came */
  readonly write: (item: Item, count: number, lastAtMs: number) => void;
  /** Puts an item among the rest, which stands for many of different keys. @returns its key */
  readonly toRest: (item: Item) => { readonly key: string; readonly item: Item };
}

interface Open<Item> {
  /** The first that is not written yet. */
  item: Item | undefined;
  count: number;
  lastAtMs: number;
  intervalMs: number;
  dueMs: number;
}

export const repeatBounds = {
  /** The first interval. Each one after it is twice as long, up to the longest. */
  shortestMs: 1_000,
  longestMs: 60_000,
  /** How many keys are told apart at a time. */
  keys: 100,
  /** How many first ones are written at once, and how many more in each second. */
  burst: 300,
  perSecond: 1,
} as const;

/**
 * The first of a key is written at once. Those that follow are counted, and written as one after a second, two, four and
 * so on, up to a minute, as long as they keep coming. Where too many keys are new, they are counted among the rest.
 * Whatever callers do, a proxy writes hardly more than the bounds allow.
 */
export function makeRepeats<Item>({ nowMs, write, toRest }: RepeatsOptions<Item>): Repeats<Item> {
  const open = new Map<string, Open<Item>>();
  let tokens: number = repeatBounds.burst;
  let filledMs = nowMs();

  const mayBegin = (now: number) => {
    tokens = Math.min(repeatBounds.burst, tokens + ((now - filledMs) / 1_000) * repeatBounds.perSecond);
    filledMs = now;
    if (tokens < 1 || open.size >= repeatBounds.keys) return false;
    tokens -= 1;
    return true;
  };
  const count = (known: Open<Item>, item: Item, now: number) => {
    known.item ??= item;
    known.count += 1;
    known.lastAtMs = now;
  };
  const writeOut = (known: Open<Item>) => {
    if (known.item !== undefined) write(known.item, known.count, known.lastAtMs);
    known.item = undefined;
    known.count = 0;
  };
  const begin = (intervalMs: number, now: number): Open<Item> => ({
    ...{ item: undefined, count: 0, lastAtMs: now, intervalMs, dueMs: now + intervalMs },
  });

  return {
    note(key, item) {
      const now = nowMs();
      const known = open.get(key);
      if (known) count(known, item, now);
      else if (mayBegin(now)) {
        write(item, 1, now);
        open.set(key, begin(repeatBounds.shortestMs, now));
      } else {
        const rest = toRest(item);
        const one = open.get(rest.key) ?? begin(repeatBounds.longestMs, now);
        open.set(rest.key, one);
        count(one, rest.item, now);
      }
    },
    due() {
      const now = nowMs();
      for (const [key, known] of open) {
        if (known.dueMs > now) continue;
        if (known.count === 0) open.delete(key);
        writeOut(known);
        known.intervalMs = Math.min(known.intervalMs * 2, repeatBounds.longestMs);
        known.dueMs = now + known.intervalMs;
      }
      return open.size > 0;
    },
    flush() {
      for (const known of open.values()) writeOut(known);
      open.clear();
    },
  };
}
