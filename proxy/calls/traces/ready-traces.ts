import { hostname } from 'node:os';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { type Exporter, makeExporter } from '../../../traces/exporter.ts';
import { sample } from '../../../traces/sampler.ts';
import { type TraceSettings, urlOfTraces } from '../../../traces/settings.ts';
import { Trace } from '../../../traces/trace.ts';
import type { CallTrace, TraceableCall } from './call-trace.ts';
import type { TracesOptions } from './options.ts';
import { RecordedCall } from './recorded-call.ts';

/** Traces with settings that do not change. */
export interface ReadyTraces {
  begin(call: TraceableCall): CallTrace | undefined;
  close(): Promise<void>;
}

/** @param spec what the Organization says, which takes precedence over the environment */
export function readyTraces(
  spec: OrganizationSpec['traces'],
  organization: string,
  { environment, version, origin, agentFor, onResult, onFailure }: TracesOptions,
): ReadyTraces | undefined {
  const settings = settingsOf(spec, environment?.settings);
  if (!settings) return undefined;
  const exporter: Exporter = makeExporter({
    settings,
    version,
    agentFor,
    resource: {
      'service.name': environment?.service ?? 'chaperone',
      'service.version': version,
      'service.instance.id': `${hostname()}/${process.pid}`,
      'k8s.namespace.name': origin?.namespace,
      'chaperone.workload': origin?.workload,
      'chaperone.organization': organization,
      ...environment?.resource,
    },
    onResult,
    onFailure,
  });
  const keepsContents = spec?.contents === 'Full';
  return {
    begin(call) {
      const sampled = sample(settings, call.parent, Math.random);
      if (!sampled) return undefined;
      // A state without the parent that it belongs to says nothing.
      const state = sampled.parent && call.state;
      const trace = new Trace(sampled, call.startedAtMs, call.startedTicks, state);
      return new RecordedCall(trace, call, keepsContents, (spans) => exporter.add(spans));
    },
    close: () => exporter.close(),
  };
}

/** @returns undefined where there is nobody to send spans to */
function settingsOf(
  spec: OrganizationSpec['traces'],
  environment: TraceSettings | undefined,
): TraceSettings | undefined {
  // A credential for one receiver is not for another.
  const receiver = spec?.endpoint === undefined ? environment : { url: urlOfTraces(spec.endpoint), headers: {} };
  if (!receiver) return undefined;
  return {
    url: receiver.url,
    headers: receiver.headers,
    timeoutMs: environment?.timeoutMs ?? 10_000,
    ratio: spec?.samplingPercentage === undefined ? (environment?.ratio ?? 1) : spec.samplingPercentage / 100,
    followsParents: spec?.parents === undefined ? (environment?.followsParents ?? true) : spec.parents === 'Follow',
  };
}
