import { hostname } from 'node:os';
import { type Exporter, makeExporter, type SpanResult } from './exporter.ts';
import { sample } from './sampler.ts';
import type { TraceEnvironment } from './settings.ts';
import type { Attributes, SpanKind } from './span.ts';
import { Trace } from './trace.ts';

/** Records what a process does by itself: jobs, reconciliations. */
export interface ProcessTracer {
  /** @returns undefined where it is not recorded */
  begin(startedTicks?: number): TracedWork | undefined;
  /** Sends what waits, for at most a second. */
  close(): Promise<void>;
}

/** A piece of work that is recorded. */
export interface TracedWork {
  readonly traceId: string;
  /** The header `traceparent` of calls that belong to it. */
  traceParent(): string;
  end(name: string, kind: SpanKind, attributes: Attributes, error?: string): void;
}

export interface ProcessTracerOptions {
  readonly environment: TraceEnvironment;
  readonly version: string;
  /** Such as `worker`. */
  readonly component: string;
  readonly onResult: (result: SpanResult, spans: number) => void;
  readonly onFailure: (reason: string) => void;
}

/** @returns undefined where the environment names no receiver */
export function makeProcessTracer(options: ProcessTracerOptions): ProcessTracer | undefined {
  const { environment, version, component, onResult, onFailure } = options;
  const { settings, service, resource } = environment;
  if (!settings) return undefined;
  const exporter: Exporter = makeExporter({
    settings,
    version,
    resource: {
      'service.name': service ?? 'chaperone',
      'service.version': version,
      'service.instance.id': `${hostname()}/${process.pid}`,
      'chaperone.component': component,
      ...resource,
    },
    onResult,
    onFailure,
  });
  return {
    begin(startedTicks = performance.now()) {
      const sampled = sample(settings, undefined, Math.random);
      if (!sampled) return undefined;
      const startedAtMs = Date.now() - (performance.now() - startedTicks);
      const trace = new Trace(sampled, startedAtMs, startedTicks);
      return {
        traceId: trace.traceId,
        traceParent: () => trace.traceParent(),
        end: (name, kind, attributes, error) => exporter.add(trace.end(name, kind, attributes, error)),
      };
    },
    close: () => exporter.close(),
  };
}
