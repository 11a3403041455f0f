import type { Logger } from 'pino';
import type { WorkQueue } from './work-queue.ts';

/** What a reconciliation wants next. An error it throws means: again, after a growing delay. */
export interface Result {
  /** Reconcile again after this time, whatever happens until then. */
  readonly requeueAfterMs?: number;
}

/** Brings the world to what one object wants. Called again whenever something it depends on has changed. */
export type Reconcile = (key: string) => Promise<Result>;

export interface Controller {
  /** Ends after the reconciliations at hand. */
  stop(): Promise<void>;
  /** Resolves when no key waits and none is being worked on. */
  idle(): Promise<void>;
}

export interface ControllerOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly reconcile: Reconcile;
  readonly concurrency: number;
  readonly log: Logger;
}

/** Takes keys from the queue and reconciles them, `concurrency` at a time and each key never twice at once. */
export function startController({ name, queue, reconcile, concurrency, log }: ControllerOptions): Controller {
  let active = 0;
  let idlers: (() => void)[] = [];

  const settle = () => {
    if (active > 0 || queue.depth > 0) return;
    for (const resolve of idlers) resolve();
    idlers = [];
  };
  const reconcileOne = async (key: string) => {
    try {
      const { requeueAfterMs } = await reconcile(key);
      queue.forget(key);
      if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
    } catch (error) {
      log.warn({ err: error, controller: name, key }, 'reconciliation failed; it will be tried again');
      queue.addRateLimited(key);
    }
  };
  const work = async () => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      active += 1;
      await reconcileOne(key);
      active -= 1;
      queue.done(key);
      settle();
    }
  };
  const workers = Array.from({ length: concurrency }, work);

  return {
    async stop() {
      queue.shutDown();
      await Promise.all(workers);
    },
    idle: () =>
      new Promise((resolve) => {
        idlers.push(resolve);
        settle();
      }),
  };
}
