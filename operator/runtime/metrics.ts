import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ControllerObserver } from './controller.ts';
import type { Reflection, ReflectionObserver } from './reflection.ts';
import type { QueueObserver } from './work-queue.ts';

export interface RuntimeMetrics {
  queue(name: string): QueueObserver;
  controller(name: string): ControllerObserver;
}

/** Names and buckets as in controller-runtime and client-go, so that existing dashboards and alerts work. */
const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
].concat([1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60]);
const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1_000];

/**
 * @see https://book.kubebuilder.io/reference/metrics-reference
 */
export function makeRuntimeMetrics(registry: Registry): RuntimeMetrics {
  const queues = makeQueueMetrics(registry);
  const controllers = makeControllerMetrics(registry);
  return { queue: queues, controller: controllers };
}

/** Edits should take effect within milliseconds, so the small buckets are narrow. */
const effectBuckets = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

function makeQueueMetrics(registry: Registry): RuntimeMetrics['queue'] {
  const labelNames = ['name', 'controller'] as const;
  const shared = { labelNames, registers: [registry] };
  const queues = new Map<string, Parameters<QueueObserver['attached']>[0]>();
  const adds = new Counter({ ...shared, name: 'workqueue_adds_total', help: 'Keys that were added.' });
  const retries = new Counter({ ...shared, name: 'workqueue_retries_total', help: 'Keys that were retried.' });
  const queueDuration = new Histogram({
    ...{ ...shared, name: 'workqueue_queue_duration_seconds', help: 'How long keys waited.', buckets: queueBuckets },
  });
  const workDuration = new Histogram({
    ...{
      ...shared,
      name: 'workqueue_work_duration_seconds',
      help: 'How long keys were reconciled.',
      buckets: queueBuckets,
    },
  });
  const gauge = (name: string, help: string, measure: (depth: number, agesS: readonly number[]) => number) =>
    new Gauge({
      ...{ ...shared, name, help },
      collect() {
        const nowMs = performance.now();
        for (const [queue, { depth, takenAtMs }] of queues) {
          const agesS = Array.from(takenAtMs(), (atMs) => (nowMs - atMs) / 1_000);
          this.set({ name: queue, controller: queue }, measure(depth(), agesS));
        }
      },
    });
  gauge('workqueue_depth', 'Keys that wait.', (depth) => depth);
  gauge(
    'workqueue_unfinished_work_seconds',
    'How long the keys in progress have been reconciled, in total.',
    (_, agesS) => agesS.reduce((sum, age) => sum + age, 0),
  );
  gauge(
    'workqueue_longest_running_processor_seconds',
    'How long the slowest key in progress has been reconciled.',
    (_, agesS) => Math.max(0, ...agesS),
  );
  return (name) => {
    const labels = { name, controller: name };
    return {
      attached: (queue) => void queues.set(name, queue),
      added: () => adds.inc(labels),
      retried: () => retries.inc(labels),
      taken: (waitedMs) => queueDuration.observe(labels, waitedMs / 1_000),
      done: (workedMs) => workDuration.observe(labels, workedMs / 1_000),
    };
  };
}

function makeControllerMetrics(registry: Registry): RuntimeMetrics['controller'] {
  const labelNames = ['controller'] as const;
  const shared = { labelNames, registers: [registry] };
  const name = (rest: string) => `controller_runtime_${rest}`;
  const total = new Counter({
    name: name('reconcile_total'),
    help: 'Reconciliations by their result.',
    labelNames: ['controller', 'result'],
    registers: [registry],
  });
  const errors = new Counter({ ...shared, name: name('reconcile_errors_total'), help: 'Reconciliations that failed.' });
  const time = new Histogram({
    ...{ ...shared, name: name('reconcile_time_seconds'), help: 'How long reconciliations took.' },
    buckets: reconcileBuckets,
  });
  const effect = new Histogram({
    ...shared,
    name: 'chaperone_reconcile_to_effect_seconds',
    help: 'Time from when a change of an object, or of an object it depends on, was seen, until it was committed to the database and proxies were notified. Includes failed attempts.',
    buckets: effectBuckets,
  });
  const most = new Gauge({
    ...{ ...shared, name: name('max_concurrent_reconciles'), help: 'Maximum number of concurrent reconciliations.' },
  });
  const active = new Gauge({
    ...shared,
    name: name('active_workers'),
    help: 'Number of running reconciliations.',
  });
  return (controller) => ({
    started(concurrency) {
      most.set({ controller }, concurrency);
      active.set({ controller }, 0);
      errors.inc({ controller }, 0);
      for (const result of ['success', 'error', 'requeue_after']) total.inc({ controller, result }, 0);
    },
    active: (change) => active.inc({ controller }, change),
    reconciled(result, tookMs) {
      total.inc({ controller, result });
      if (result === 'error') errors.inc({ controller });
      time.observe({ controller }, tookMs / 1_000);
    },
    tookEffect: (tookMs) => effect.observe({ controller }, tookMs / 1_000),
  });
}

/** Counts requests to the API server by answer and method, as client-go does. */
export function makeRestClientMetrics(
  registry: Registry,
): (code: string, request: { readonly method: string }) => void {
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by the code of the answer and the method.',
    labelNames: ['code', 'method'],
    registers: [registry],
  });
  return (code, { method }) => requests.inc({ code, method });
}

/** Counts what reflectors do, and how long ago each last heard from the API server. */
export function makeReflectorMetrics(registry: Registry, reflectors: () => readonly Reflection[]): ReflectionObserver {
  const lists = new Counter({
    name: 'reflector_lists_total',
    help: 'Number of full lists.',
    labelNames: ['name'],
    registers: [registry],
  });
  const watches = new Counter({
    name: 'reflector_watches_total',
    help: 'Watches by outcome: ended normally by the server, expired, or failed.',
    labelNames: ['name', 'outcome'],
    registers: [registry],
  });
  new Gauge({
    name: 'reflector_staleness_seconds',
    help: 'Time since the API server last sent a list, a change or a bookmark. Bookmarks come every minute.',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      for (const { name, heardAtMs } of reflectors()) this.set({ name }, (Date.now() - heardAtMs()) / 1_000);
    },
  });
  return {
    listed: (name) => lists.inc({ name }),
    watched: (name, outcome) => watches.inc({ name, outcome }),
  };
}

/** A gauge that tells whether this process leads. */
export function makeLeaderMetric(registry: Registry, lease: string, isLeader: () => boolean): void {
  new Gauge({
    name: 'leader_election_master_status',
    help: '1 on the replica that leads, 0 on the others.',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.set({ name: lease }, isLeader() ? 1 : 0);
    },
  });
}
