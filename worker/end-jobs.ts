import { setTimeout as delay } from 'node:timers/promises';

/** So long may the queue take to give back the jobs that were stopped. */
const afterGraceMs = 5_000;

/**
 * Waits for the jobs that are under way, then stops them. They are tried again, by another worker or the next one. Where the
 * database is away, the queue does not end by itself.
 */
export async function endJobs(stopped: Promise<void>, stop: AbortController, graceMs: number): Promise<void> {
  const ended = stopped.catch(() => {});
  if (await Promise.race([ended.then(() => true), delay(graceMs, false, { ref: false })])) return;
  stop.abort();
  await Promise.race([ended, delay(afterGraceMs, undefined, { ref: false })]);
}
