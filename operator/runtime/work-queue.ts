/**
 * A work queue as in client-go. A key is in it at most once. A key in progress is not handed out again until it is
 * done. A failed key comes back after an exponentially growing delay.
 */
export interface WorkQueue<Key extends string = string> {
  add(key: Key): void;
  /**
   * Adds the key behind all that `add` adds, also later: nobody has changed its object, but something that thousands may
   * depend on. Otherwise whoever changes an object would wait for all of them.
   */
  addLater(key: Key): void;
  addAfter(key: Key, delayMs: number): void;
  /**
   * Adds the key after its own backoff, but not before `minMs`. The backoff doubles with each call until `forget`.
   */
  addRateLimited(key: Key, minMs?: number): void;
  /** Ends the key's backoff. */
  forget(key: Key): void;
  /** Adds every delayed key now, and ends all backoffs, because the cause of the failures is gone. */
  wake(): void;
  /** Takes the next key, and waits for one if there is none. Undefined once the queue is shut down. */
  take(): Promise<Key | undefined>;
  /** The keys that will be taken next, at most `limit`. */
  next(limit: number): readonly Key[];
  /** Since when the taken key had waited, by `performance.now()`. */
  addedAtMs(key: Key): number | undefined;
  /** When a waiting or taken key was last added, which may be while it already waited. By `performance.now()`. */
  lastAddedAtMs(key: Key): number | undefined;
  /** Marks the taken key as done. */
  done(key: Key): void;
  shutDown(): void;
  /** Number of keys that wait to be taken. */
  readonly depth: number;
  /** Whether no key waits or is in progress. Delayed keys do not count. */
  readonly isIdle: boolean;
}

/** Callbacks for a queue's metrics. Times are in milliseconds. */
export interface QueueObserver {
  /**
   * Called once, with functions that return the current depth and the times at which the keys in progress were taken.
   */
  attached(queue: { readonly depth: () => number; readonly takenAtMs: () => Iterable<number> }): void;
  added(): void;
  retried(): void;
  taken(waitedMs: number): void;
  done(workedMs: number): void;
}

export interface WorkQueueOptions {
  readonly observer?: QueueObserver;
  readonly baseDelayMs?: number;
  readonly maxDelayMs?: number;
  /** The limit of retries per second over all keys, and the size of a burst. */
  readonly retriesPerSecond?: number;
  readonly retryBurst?: number;
}

/** Times by `performance.now()`. */
interface Waiting {
  readonly addedAtMs: number;
  lastAddedAtMs: number;
}

const silentObserver: QueueObserver = {
  attached: () => {},
  added: () => {},
  retried: () => {},
  taken: () => {},
  done: () => {},
};

export function makeWorkQueue<Key extends string = string>(options: WorkQueueOptions = {}): WorkQueue<Key> {
  const { baseDelayMs = 1_000, maxDelayMs = 300_000, retriesPerSecond = 10, retryBurst = 100 } = options;
  const { observer = silentObserver } = options;
  const waiting = new Map<Key, Waiting>();
  /** Those of `addLater`. */
  const later = new Map<Key, Waiting>();
  const working = new Map<Key, Waiting & { readonly takenAtMs: number }>();
  /** Keys that were added while in progress. */
  const dirty = new Map<Key, { readonly addedAtMs: number; isLater: boolean }>();
  const failures = new Map<Key, number>();
  const timers = new Map<Key, { timer: NodeJS.Timeout; atMs: number }>();
  const takers: ((key: Key | undefined) => void)[] = [];
  const bucket = makeBucket(retriesPerSecond, retryBurst);
  let isShutDown = false;

  const waitingFor = (key: Key) => waiting.get(key) ?? later.get(key);
  const handOut = (key: Key, taker: (key: Key) => void) => {
    const takenAtMs = performance.now();
    const { addedAtMs, lastAddedAtMs } = waitingFor(key) ?? { addedAtMs: takenAtMs, lastAddedAtMs: takenAtMs };
    observer.taken(takenAtMs - addedAtMs);
    waiting.delete(key);
    later.delete(key);
    working.set(key, { takenAtMs, addedAtMs, lastAddedAtMs });
    taker(key);
  };
  const wait = (key: Key, addedAtMs: number, isLater: boolean) => {
    (isLater ? later : waiting).set(key, { addedAtMs, lastAddedAtMs: performance.now() });
    const taker = takers.shift();
    if (taker) handOut(key, taker);
  };
  const addAgain = (key: Key, already: Waiting, isLater: boolean) => {
    already.lastAddedAtMs = performance.now();
    if (!isLater && later.delete(key)) waiting.set(key, already);
  };
  const insert = (key: Key, isLater: boolean) => {
    if (isShutDown) return;
    const already = waitingFor(key);
    if (already) return addAgain(key, already, isLater);
    const again = dirty.get(key);
    if (again) {
      again.isLater &&= isLater;
      return;
    }
    observer.added();
    if (working.has(key)) dirty.set(key, { addedAtMs: performance.now(), isLater });
    else wait(key, performance.now(), isLater);
  };
  const add = (key: Key) => insert(key, false);
  const addAfter = (key: Key, delayMs: number) => {
    if (isShutDown) return;
    const atMs = Date.now() + delayMs;
    const earlier = timers.get(key);
    if (earlier && earlier.atMs <= atMs) return;
    clearTimeout(earlier?.timer);
    const timer = setTimeout(() => {
      timers.delete(key);
      add(key);
    }, delayMs);
    timers.set(key, { timer, atMs });
  };

  observer.attached({
    depth: () => waiting.size + later.size,
    takenAtMs: () => Array.from(working.values(), ({ takenAtMs }) => takenAtMs),
  });
  return {
    add,
    addLater: (key) => insert(key, true),
    addAfter,
    addRateLimited(key, minMs = 0) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      observer.retried();
      addAfter(key, Math.max(Math.min(baseDelayMs * 2 ** count, maxDelayMs), bucket(), minMs));
    },
    forget: (key) => void failures.delete(key),
    wake() {
      failures.clear();
      for (const [key, { timer }] of [...timers]) {
        clearTimeout(timer);
        timers.delete(key);
        add(key);
      }
    },
    take() {
      if (isShutDown) return Promise.resolve(undefined);
      const [key = later.keys().next().value] = waiting.keys();
      if (key === undefined) return new Promise((resolve) => takers.push(resolve));
      return new Promise((resolve) => handOut(key, resolve));
    },
    next: (limit) => [...waiting.keys().take(limit), ...later.keys().take(Math.max(0, limit - waiting.size))],
    addedAtMs: (key) => working.get(key)?.addedAtMs,
    lastAddedAtMs: (key) => (waitingFor(key) ?? working.get(key))?.lastAddedAtMs,
    done(key) {
      const work = working.get(key);
      if (work) observer.done(performance.now() - work.takenAtMs);
      working.delete(key);
      const again = dirty.get(key);
      dirty.delete(key);
      if (again && !isShutDown) wait(key, again.addedAtMs, again.isLater);
    },
    shutDown() {
      isShutDown = true;
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
      waiting.clear();
      later.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
    get depth() {
      return waiting.size + later.size;
    },
    get isIdle() {
      return waiting.size + later.size + working.size === 0;
    },
  };
}

/** A token bucket. @returns a function that takes a token and returns in how many milliseconds it is available */
function makeBucket(perSecond: number, burst: number): () => number {
  let tokens = burst;
  let filledAtMs = Date.now();
  return () => {
    const nowMs = Date.now();
    tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) / 1_000) * perSecond) - 1;
    filledAtMs = nowMs;
    return tokens >= 0 ? 0 : (-tokens / perSecond) * 1_000;
  };
}
