import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { ReconciledWork } from '../../operator/runtime/controller.ts';
import { readTraceEnvironment, type TraceEnvironment } from '../../traces/settings.ts';

/** Records reconciliations that changed something, or failed. */
export interface OperatorTraces {
  readonly onWork: (work: ReconciledWork) => void;
  close(): Promise<void>;
}

export interface OperatorTracesOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly version: string;
  /** Gets the count of spans. Absent: nobody scrapes it. */
  readonly registry?: Registry;
  readonly log: Logger;
}

/** @returns undefined where the environment asks for no traces */
export async function openOperatorTraces({
  environment,
  version,
  registry,
  log,
}: OperatorTracesOptions): Promise<OperatorTraces | undefined> {
  const read: TraceEnvironment = readTraceEnvironment(environment);
  if (read.problem !== undefined) log.warn(read.problem);
  if (!read.settings) return undefined;
  const { makeProcessTracer } = await import('../../traces/process-tracer.ts');
  const spans = registry && makeSpanCounter(registry);
  const tracer = makeProcessTracer({
    environment: read,
    version,
    component: 'operator',
    onResult: (result, count) => spans?.inc({ result }, count),
    onFailure: (reason) => log.warn({ reason }, 'traces do not reach their collector'),
  });
  return {
    onWork({ controller, namespace, name, startedTicks, error }) {
      const attributes = { 'chaperone.kind': controller, 'k8s.namespace.name': namespace, 'chaperone.name': name };
      const reason = error === undefined ? undefined : error instanceof Error ? error.name : 'failed';
      const ended = { ...attributes, 'error.type': reason };
      tracer?.begin(startedTicks)?.end(`reconcile ${controller}`, 'internal', ended, reason);
    },
    close: async () => tracer?.close(),
  };
}

function makeSpanCounter(registry: Registry) {
  return new Counter({
    name: 'chaperone_trace_spans_total',
    help: 'Spans of traces, by result: exported, rejected (by the collector), failed (it could not be reached), or dropped (too many waited).',
    labelNames: ['result'],
    registers: [registry],
  });
}
