import { getHeapStatistics } from 'node:v8';

/** What a process did since the last look, and what its objects and buffers take now. */
export interface Activity {
  /** Processor time since the last look, in milliseconds. */
  readonly busyMs: number;
  readonly usedBytes: number;
}

const lookMs = 1_000;
/** A process that was busier than this since the last look may have calls under way. */
const idleMs = 50;
/**
 * So many looks in a row must find it idle. A thorough collection also drops compiled code: calls soon after it take some
 * 40 % more processor time, until V8 has compiled it again. A pause between two calls is not worth that.
 */
const idleLooks = 30;
/** Less garbage than this is not worth a collection, which takes some 50 ms. */
const worthBytes = 4 * 1024 * 1024;

/**
 * Makes the decision whether to collect garbage. Under load, objects of calls become old, and V8 keeps them until its
 * heap has grown. A proxy that is idle afterwards would keep them for long. The start leaves garbage, too.
 *
 * @param looks how many looks in a row must find the process idle
 * @returns tells at each look whether to collect now
 */
export function makeIdleRule(looks = idleLooks): (activity: Activity) => boolean {
  /** What the last collection left. Undefined: to be learned at the next look. */
  let cleanBytes: number | undefined = 0;
  let idleFor = 0;
  return ({ busyMs, usedBytes }) => {
    cleanBytes = Math.min(cleanBytes ?? usedBytes, usedBytes);
    idleFor = busyMs > idleMs ? 0 : idleFor + 1;
    if (idleFor < looks || usedBytes - cleanBytes < worthBytes) return false;
    cleanBytes = undefined;
    return true;
  };
}

/** Collects garbage whenever the process has been idle for half a minute. @returns stops it */
export function collectWhenIdle(collect: () => void): () => void {
  const isDue = makeIdleRule();
  let last = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(last);
    last = process.cpuUsage();
    const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
    if (isDue({ busyMs: (user + system) / 1_000, usedBytes: heap + external })) collect();
  }, lookMs).unref();
  return () => clearInterval(timer);
}
