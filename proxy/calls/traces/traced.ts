import { ProxyError } from '../../error.ts';
import type { OpenRequest } from '../call-request.ts';
import type { CallTrace } from './call-trace.ts';
import type { Traces } from './traces.ts';

type Make<Request, Rest extends unknown[]> = (request: Request, ...rest: Rest) => void | Promise<void>;

/**
 * Records the calls that are to be traced, from their beginning until the client has the answer. Any other call is made
 * as it is.
 */
export function traced<Request extends OpenRequest, Rest extends unknown[]>(
  traces: Pick<Traces, 'begin'>,
  make: Make<Request, Rest>,
): Make<Request, Rest> {
  return (request, ...rest) => {
    const { context, operation, headers } = request;
    const trace = traces.begin({
      operation: operation.name,
      requestId: context.requestId,
      startedAtMs: context.startedAtMs,
      startedTicks: context.startedTicks,
      isOwn: false,
      parent: only(headers.traceparent),
      state: only(headers.tracestate),
    });
    if (!trace) return make(request, ...rest);
    const fail = (error: unknown): never => {
      note(trace, error);
      trace.finish();
      throw error;
    };
    try {
      return make(withTrace(request, trace), ...rest)?.catch(fail);
    } catch (error) {
      return fail(error);
    }
  };
}

function withTrace<Request extends OpenRequest>(request: Request, trace: CallTrace): Request {
  return {
    ...request,
    context: { ...request.context, trace },
    refuse(problem, caller) {
      note(trace, problem);
      request.refuse(problem, caller);
    },
    onBlocked(problem, caller) {
      note(trace, problem);
      request.onBlocked(problem, caller);
    },
    onEnd() {
      trace.finish();
      request.onEnd();
    },
  };
}

function note(trace: CallTrace, error: unknown): void {
  trace.refused(error);
  if (error instanceof ProxyError) error.traceId = trace.traceId;
}

function only(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
