import type { Logger } from 'pino';
import { type ObjectPath, readPath } from '../cluster/object-key.ts';
import { retryAfterOf } from './refusal.ts';
import type { WorkQueue } from './work-queue.ts';

/** The result of a reconciliation. Where it throws instead, the key is retried after a growing delay. */
export interface Result {
  /** Reconcile again after this time, whatever else happens. */
  readonly requeueAfterMs?: number;
  /**
   * When the reconciliation changed what proxies enforce, by `performance.now()`. Absent where nothing had to change.
   */
  readonly effectAtMs?: number;
}

/**
 * Makes the database and the cluster match one object. Called again whenever anything that the object depends on has
 * changed.
 */
export type Reconcile<Key extends string = ObjectPath> = (key: Key) => Promise<Result>;

/**
 * Thrown by a reconciler that waits for something which the log has reported already, such as the database: the key is
 * retried like any other, and each attempt is logged at `debug` only.
 */
export class WaitingError extends Error {
  override readonly name = 'WaitingError';
}

export interface Controller {
  /** Stops after the current reconciliations. */
  stop(): Promise<void>;
  /** Resolves when no key waits or is being reconciled, or when the controller has stopped. */
  idle(): Promise<void>;
}

/** Callbacks for a controller's metrics. */
export interface ControllerObserver {
  started(concurrency: number): void;
  /** The number of running reconciliations has changed by one. */
  active(change: 1 | -1): void;
  reconciled(result: 'success' | 'error' | 'requeue_after', tookMs: number): void;
  /** A change was committed `tookMs` after it was seen, including failed attempts. */
  tookEffect(tookMs: number): void;
}

export interface ControllerOptions<Key extends string> {
  readonly name: string;
  readonly queue: WorkQueue<Key>;
  readonly reconcile: Reconcile<Key>;
  readonly concurrency: number;
  readonly log: Logger;
  readonly observer?: ControllerObserver;
  /** Hears of each reconciliation that changed something, or failed. */
  readonly onWork?: (work: ReconciledWork) => void;
}

/** A reconciliation that changed something, or failed. */
export interface ReconciledWork {
  readonly controller: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** `performance.now()` at its beginning. */
  readonly startedTicks: number;
  /** Undefined: it did not fail. */
  readonly error: unknown;
}

const silentObserver: ControllerObserver = {
  started: () => {},
  active: () => {},
  reconciled: () => {},
  tookEffect: () => {},
};

/** Takes keys from the queue and reconciles them, `concurrency` at a time, and no key twice at once. */
export function startController<Key extends string>(options: ControllerOptions<Key>): Controller {
  const { name, queue, reconcile, concurrency, log, observer = silentObserver, onWork } = options;
  let idlers: (() => void)[] = [];
  /** For each failing key, the time since which it has been waiting. */
  const failing = new Map<Key, number>();

  const releaseIdlers = () => {
    for (const resolve of idlers) resolve();
    idlers = [];
  };
  const reconcileOne = async (key: Key) => {
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
        onWork?.({ ...toLogKeys(name, key), startedTicks: startedAtMs, error: undefined });
      }
      if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
      reconciled(requeueAfterMs === undefined ? 'success' : 'requeue_after');
    } catch (error) {
      const level = error instanceof WaitingError ? 'debug' : 'warn';
      if (level === 'warn') onWork?.({ ...toLogKeys(name, key), startedTicks: startedAtMs, error });
      log[level]({ err: error, ...toLogKeys(name, key) }, 'reconciliation failed; it will be tried again');
      failing.set(key, seenAtMs);
      queue.addRateLimited(key, retryAfterOf(error));
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

/** The log fields, named as in controller-runtime. */
function toLogKeys(controller: string, key: string) {
  const { namespace, name } = readPath(key);
  return { controller: controller.toLowerCase(), namespace: namespace === '' ? undefined : namespace, name };
}
