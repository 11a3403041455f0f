import type { IncomingHttpHeaders } from 'node:http';
import { readTraceParent } from '../../traces/trace-parent.ts';

/** The trace that a request belongs to, as its client says. Undefined: it says none. */
export function traceIdOf({ traceparent }: IncomingHttpHeaders): string | undefined {
  return typeof traceparent === 'string' ? readTraceParent(traceparent)?.traceId : undefined;
}
