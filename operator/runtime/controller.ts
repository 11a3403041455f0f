import type { Logger } from 'pino';
import { ApiError } from '../cluster/kubernetes/api-error.ts';
import type { WorkQueue } from './work-queue.ts';

/** What a reconciliation wants next. An error it throws means: again, after a growing delay. */
export interface Result {
  /** Reconcile again after this time, whatever happens until then. */
  readonly requeueAfterMs?: number;
  /** When what proxies enforce was changed, by `performance.now()`; absent where it was as it should be. */
  readonly effectAtMs?: number;
}

/** Brings the world to what one object wants. Called again whenever something it depends on has changed. */
export type Reconcile = (key: string) => Promise<Result>;

export interface Controller {
  /** Ends after the reconciliations at hand. */
  stop(): Promise<void>;
  /** Resolves when no key waits and none is being worked on, or the controller has stopped. */
  idle(): Promise<void>;
}

/** What a controller tells of itself. */
export interface ControllerObserver {
  started(concurrency: number): void;
  /** One more reconciliation, or one fewer, is under way. */
  active(change: 1 | -1): void;
  reconciled(result: 'success' | 'error' | 'requeue_after', tookMs: number): void;
  /** A change has been committed, so long after it was seen, failed attempts included. */
  tookEffect(tookMs: number): void;
}

export interface ControllerOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly reconcile: Reconcile;
  readonly concurrency: number;
  readonly log: Logger;
  readonly observer?: ControllerObserver;
}

const silentObserver: ControllerObserver = {
  started: () => {},
  active: () => {},
  reconciled: () => {},
  tookEffect: () => {},
};

/** Takes keys from the queue and reconciles them, `concurrency` at a time and each key never twice at once. */
export function startController(options: ControllerOptions): Controller {
  const { name, queue, reconcile, concurrency, log, observer = silentObserver } = options;
  let idlers: (() => void)[] = [];
  /** Since when there has been something to do about the keys that fail. */
  const failing = new Map<string, number>();

  const releaseIdlers = () => {
    for (const resolve of idlers) resolve();
    idlers = [];
  };
  const reconcileOne = async (key: string) => {
    const startedAtMs = performance.now();
    const seenAtMs = failing.get(key) ?? queue.addedAtMs(key) ?? startedAtMs;
    const reconciled = (result: 'success' | 'error' | 'requeue_after') =>
      observer.reconciled(result, performance.now() - startedAtMs);
    try {
      const { requeueAfterMs, effectAtMs } = await reconcile(key);
      queue.forget(key);
      failing.delete(key);
      if (effectAtMs !== undefined) {
        observer.tookEffect(effectAtMs - seenAtMs);
        log.info(toLogKeys(name, key), 'written to the database');
      }
      if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
      reconciled(requeueAfterMs === undefined ? 'success' : 'requeue_after');
    } catch (error) {
      log.warn({ err: error, ...toLogKeys(name, key) }, 'reconciliation failed; it will be tried again');
      failing.set(key, seenAtMs);
      queue.addRateLimited(key, error instanceof ApiError ? error.retryAfterMs : undefined);
      reconciled('error');
    }
  };
  const work = async () => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      observer.active(1);
      await reconcileOne(key);
      observer.active(-1);
      queue.done(key);
      if (queue.isIdle) releaseIdlers();
    }
  };
  observer.started(concurrency);
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

/** As controller-runtime names them. */
function toLogKeys(controller: string, key: string): Record<string, string> {
  const [first = '', second] = key.split('/');
  const place = second === undefined ? { name: first } : { namespace: first, name: second };
  return { controller: controller.toLowerCase(), ...place };
}
