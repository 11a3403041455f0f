import type { TraceSettings } from './settings.ts';
import { readTraceParent, type TraceParent } from './trace-parent.ts';

/** A trace of which this process records its part. */
export interface Sampled {
  /** Absent: the trace begins here. */
  readonly parent: Pick<TraceParent, 'traceId' | 'spanId'> | undefined;
}

/**
 * Decides whether to record a call. The caller's decision holds, so that a trace is recorded as a whole or not at all;
 * where the call has no trace yet, or callers are not followed, a share of the calls is.
 *
 * @param header the header `traceparent`; what is none is treated as absent
 * @param random from 0 to below 1
 */
export function sample(
  { ratio, followsParents }: Pick<TraceSettings, 'ratio' | 'followsParents'>,
  header: string | undefined,
  random: () => number,
): Sampled | undefined {
  const parent = header === undefined ? undefined : readTraceParent(header);
  const isSampled = parent && followsParents ? parent.isSampled : random() < ratio;
  return isSampled ? { parent } : undefined;
}
