import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { beat, leave } from '../database/jobs.ts';
import type { Queryable } from '../database/queryable.ts';

export interface HeartbeatOptions {
  readonly db: Queryable;
  readonly workerId: string;
  /** Others take over the jobs of a worker that is silent for longer. */
  readonly silenceMs: number;
  /** Called with how many jobs of ended workers were given back. */
  readonly onTakenOver: (jobs: number) => void;
  readonly log: Logger;
}

/** That this worker is alive, and so the only one with its jobs. */
export interface Heartbeat {
  /** Resolves when this worker may take jobs. */
  ready(): Promise<void>;
  /** Aborted when this worker could not say for too long that it is alive. A later one takes its place. */
  signal(): AbortSignal;
  /** Gives back what is not finished. */
  stop(): Promise<void>;
}

/**
 * Says at regular intervals that this worker is alive, and takes over the jobs of those that are not. A worker that
 * cannot say so stops its work before others begin with it, so no job runs twice at the same time.
 */
export function startHeartbeat({ db, workerId, silenceMs, onTakenOver, log }: HeartbeatOptions): Heartbeat {
  const pauseMs = silenceMs / 10;
  const fenceMs = silenceMs * 0.6;
  const stopping = new AbortController();
  let fence = new AbortController();
  let first = Promise.withResolvers<void>();
  let isReady = false;
  let lastTicks = performance.now();

  const tick = async () => {
    const askedTicks = performance.now();
    try {
      const released = await beat(db, workerId, silenceMs);
      lastTicks = askedTicks;
      if (released > 0) {
        onTakenOver(released);
        log.warn({ jobs: released }, 'gave back the jobs of a worker that has ended');
      }
      if (fence.signal.aborted) fence = new AbortController();
      isReady = true;
      first.resolve();
    } catch (error) {
      log.warn({ err: error }, 'cannot tell the database that this worker is alive');
    }
  };
  const watch = setInterval(() => {
    if (performance.now() - lastTicks < fenceMs || fence.signal.aborted) return;
    log.error('could not reach the database for too long, so others may have the jobs of this worker; it stops them');
    if (isReady) first = Promise.withResolvers<void>();
    isReady = false;
    fence.abort(new Error('the worker may have lost its jobs'));
  }, pauseMs);
  const run = async () => {
    while (!stopping.signal.aborted) {
      await tick();
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const running = run();

  return {
    ready: () => first.promise,
    signal: () => fence.signal,
    async stop() {
      stopping.abort();
      clearInterval(watch);
      first.resolve();
      await running;
      await leave(db, workerId).catch((error: unknown) => log.warn({ err: error }, 'cannot give back jobs'));
    },
  };
}
