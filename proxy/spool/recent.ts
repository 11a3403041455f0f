/** The most recent values by key. */
export interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
}

/**
 * Remembers at most `count` keys, and always the last `count / 2`. It has two halves: when the newer half is full, it
 * becomes the older half, and the former older half is dropped. Every call adds keys, and an LRU order would cost more
 * than all else that is noted about a call.
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
