import type { ServerResponse } from 'node:http';
import { breakOff } from '../calls/answer/break-off.ts';
import type { Caller } from '../calls/call.ts';
import type { ProxyError } from '../error.ts';
import { type Envelope, toProxyError } from './envelope.ts';
import { ownHeaders } from './headers.ts';
import type { KitContext } from './surface.ts';

/** How the proxy refuses a request, on every surface. */
export interface Refusals {
  /** Counts a refusal, and logs an unforeseen error with its cause. @returns the problem to answer with */
  note(requestId: string, error: unknown): ProxyError;
  /** Answers on the raw response, for what is not a route: calls, and requests that no surface takes. */
  refuse(
    response: ServerResponse,
    envelope: Envelope,
    requestId: string,
    caller: Caller | undefined,
    error: unknown,
  ): void;
}

export function makeRefusals({ metrics, log }: Pick<KitContext, 'metrics' | 'log'>): Refusals {
  const note: Refusals['note'] = (requestId, error) => {
    const problem = toProxyError(error);
    if (problem.code === 'internal_error') log.error({ err: error, requestId }, 'internal error');
    else log.debug({ code: problem.code, requestId }, 'refused');
    metrics.refused.inc({ code: problem.code });
    return problem;
  };
  return {
    note,
    refuse(response, envelope, requestId, caller, error) {
      const problem = note(requestId, error);
      if (response.headersSent) {
        breakOff(response);
        return;
      }
      const body = JSON.stringify(envelope.show(problem, requestId));
      response.writeHead(problem.status, {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        ...ownHeaders(requestId, caller, envelope.requestIdHeader),
        ...problem.headers,
      });
      response.end(body);
    },
  };
}
