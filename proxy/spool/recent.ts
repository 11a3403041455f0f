/** What came last, by its key. */
export interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
}

/**
 * Remembers at most `count` keys, and of those that came last at least half as many: what is full becomes the older half,
 * and the one before it goes. Every call adds to it, and an order by use would cost more than all else that is noted.
 */
export function makeRecent<Value>(count: number): Recent<Value> {
  let newer = new Map<string, Value>();
  let older = newer;
  return {
    get: (key) => newer.get(key) ?? older.get(key),
    set(key, value) {
      if (newer.size >= count / 2) {
        older = newer;
        newer = new Map();
      }
      newer.set(key, value);
    },
  };
}
