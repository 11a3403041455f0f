import type { Agent } from 'node:http';
import type { SpanResult } from '../../../traces/exporter.ts';
import type { TraceEnvironment } from '../../../traces/settings.ts';

export interface TracesOptions {
  /** What the environment says. Absent: nothing. */
  readonly environment?: TraceEnvironment | undefined;
  readonly version: string;
  /** The pod whose calls these are. Undefined outside of pods. */
  readonly origin: { readonly namespace: string; readonly workload: string } | undefined;
  /** Makes the agent for connections by a forward proxy. Absent: connections are direct. */
  readonly agentFor?: ((url: URL) => Promise<Agent | undefined>) | undefined;
  readonly onResult: (result: SpanResult, spans: number) => void;
  readonly onFailure: (reason: string) => void;
}
