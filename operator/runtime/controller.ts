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
  /** Resolves when no key waits and none is being worked on, or the controller has stopped. */
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
  let idlers: (() => void)[] = [];

  const releaseIdlers = () => {
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
      await reconcileOne(key);
      queue.done(key);
      if (queue.isIdle) releaseIdlers();
    }
  };
  const workers = Array.from({ length: concurrency }, work);

  return {
    async stop() {
      queue.shutDown();
      await Promise.all(workers);
      releaseIdlers();
    },
    idle: () =>
      new Promise((resolve) => {
        idlers.push(resolve);
        if (queue.isIdle) releaseIdlers();
      }),
  };
}
