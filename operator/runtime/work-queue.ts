/**
 * A work queue as in client-go: a key is in it at most once, a key that is being worked on is not handed out again until
 * it is done, and a key that failed comes back after an exponentially growing delay.
 */
export interface WorkQueue {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
  /** Adds the key after its own backoff, which doubles with each call until `forget`, and no sooner than `leastMs`. */
  addRateLimited(key: string, leastMs?: number): void;
  /** Ends the key's backoff. */
  forget(key: string): void;
  /** Adds every key whose time has not come, and ends all backoffs: what they waited for is there. */
  wake(): void;
  /** The next key; waits for one; undefined once the queue is shut down. */
  take(): Promise<string | undefined>;
  /** The keys that are taken next, so many at most. */
  next(most: number): readonly string[];
  /** Since when the key taken has waited to be, by `performance.now()`. */
  addedAtMs(key: string): number | undefined;
  /** When a key that waits, or was taken, was last added: perhaps again while it waited. By `performance.now()`. */
  askedAtMs(key: string): number | undefined;
  /** Says that the key taken has been worked on. */
  done(key: string): void;
  shutDown(): void;
  /** How many keys wait to be taken. */
  readonly depth: number;
  /** Whether no key waits and none is being worked on; keys whose time has not come do not count. */
  readonly isIdle: boolean;
}

/** What a work queue tells of itself, in milliseconds. */
export interface QueueObserver {
  /** Called once, with what can be asked at any time: the keys that wait, and when those being worked on were taken. */
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
  /** Retries that may start per second over all keys, and how many may come at once. */
  readonly retriesPerSecond?: number;
  readonly retryBurst?: number;
}

/** Times by `performance.now()`. */
interface Waiting {
  readonly addedAtMs: number;
  askedAtMs: number;
}

const silentObserver: QueueObserver = {
  attached: () => {},
  added: () => {},
  retried: () => {},
  taken: () => {},
  done: () => {},
};

export function makeWorkQueue(options: WorkQueueOptions = {}): WorkQueue {
  const { baseDelayMs = 1_000, maxDelayMs = 300_000, retriesPerSecond = 10, retryBurst = 100 } = options;
  const { observer = silentObserver } = options;
  const waiting = new Map<string, Waiting>();
  const working = new Map<string, Waiting & { readonly takenAtMs: number }>();
  /** Each with the time since when. */
  const dirty = new Map<string, number>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { timer: NodeJS.Timeout; atMs: number }>();
  const takers: ((key: string | undefined) => void)[] = [];
  const bucket = makeBucket(retriesPerSecond, retryBurst);
  let isShutDown = false;

  const handOut = (key: string, taker: (key: string) => void) => {
    const takenAtMs = performance.now();
    const { addedAtMs, askedAtMs } = waiting.get(key) ?? { addedAtMs: takenAtMs, askedAtMs: takenAtMs };
    observer.taken(takenAtMs - addedAtMs);
    waiting.delete(key);
    working.set(key, { takenAtMs, addedAtMs, askedAtMs });
    taker(key);
  };
  const wait = (key: string, addedAtMs: number) => {
    waiting.set(key, { addedAtMs, askedAtMs: performance.now() });
    const taker = takers.shift();
    if (taker) handOut(key, taker);
  };
  const add = (key: string) => {
    const already = waiting.get(key);
    if (already) already.askedAtMs = performance.now();
    if (isShutDown || already || dirty.has(key)) return;
    observer.added();
    if (working.has(key)) dirty.set(key, performance.now());
    else wait(key, performance.now());
  };
  const addAfter = (key: string, delayMs: number) => {
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
    depth: () => waiting.size,
    takenAtMs: () => Array.from(working.values(), ({ takenAtMs }) => takenAtMs),
  });
  return {
    add,
    addAfter,
    addRateLimited(key, leastMs = 0) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      observer.retried();
      addAfter(key, Math.max(Math.min(baseDelayMs * 2 ** count, maxDelayMs), bucket(), leastMs));
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
      const [key] = waiting.keys();
      if (key === undefined) return new Promise((resolve) => takers.push(resolve));
      return new Promise((resolve) => handOut(key, resolve));
    },
    next: (most) => [...waiting.keys().take(most)],
    addedAtMs: (key) => working.get(key)?.addedAtMs,
    askedAtMs: (key) => (waiting.get(key) ?? working.get(key))?.askedAtMs,
    done(key) {
      const work = working.get(key);
      if (work) observer.done(performance.now() - work.takenAtMs);
      working.delete(key);
      const addedAtMs = dirty.get(key);
      dirty.delete(key);
      if (addedAtMs !== undefined && !isShutDown) wait(key, addedAtMs);
    },
    shutDown() {
      isShutDown = true;
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
      waiting.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
    get depth() {
      return waiting.size;
    },
    get isIdle() {
      return waiting.size + working.size === 0;
    },
  };
}

/** A token bucket. @returns a function that takes a token and says how many milliseconds from now it is there */
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
