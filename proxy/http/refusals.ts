import type { ServerResponse } from 'node:http';
import type { AuditedRequest } from '../audit/audit.ts';
import { breakOff } from '../calls/answer/break-off.ts';
import type { Caller } from '../calls/call.ts';
import type { ProxyError } from '../error.ts';
import { makeLineBudget, usualBudget } from '../logs/line-budget.ts';
import { type Envelope, toProxyError } from './envelope.ts';
import { ownHeaders } from './headers.ts';
import type { KitContext } from './surface.ts';

/** How the proxy refuses a request, on every surface. */
export interface Refusals {
  /**
   * Counts a refusal, notes it for the audit log, and logs an unforeseen error with its cause.
   *
   * @returns the problem to answer with
   */
  note(request: NotedRequest, error: unknown): ProxyError;
  /** Answers on the raw response, for what is not a route: calls, and requests that no surface takes. */
  refuse(response: ServerResponse, envelope: Envelope, request: RefusedRequest, error: unknown): void;
}

/** A request that is refused. */
export interface NotedRequest extends AuditedRequest {
  /** The trace that it belongs to, by its own header. Absent: the problem says it, or none is known. */
  readonly traceId?: string | undefined;
}

/** A request that is refused before a route takes it. */
export interface RefusedRequest extends NotedRequest {
  readonly caller: Caller | undefined;
}

export function makeRefusals({ audit, metrics, log }: Pick<KitContext, 'audit' | 'metrics' | 'log'>): Refusals {
  const budget = makeLineBudget(usualBudget);
  const tell = (fields: object) => {
    const leftOut = budget.take();
    if (leftOut !== undefined) log.info(leftOut === 0 ? fields : { ...fields, leftOut }, 'refused');
  };
  const note: Refusals['note'] = (request, error) => {
    const problem = toProxyError(error);
    const { requestId } = request;
    const { code, status, param, traceId = request.traceId } = problem;
    if (code === 'internal_error') log.error({ err: error, requestId, traceId }, 'internal error');
    else tell({ requestId, traceId, route: request.route, code, status, param: param ?? undefined });
    metrics.refused.inc({ code: problem.code });
    audit.refused(request, problem);
    return problem;
  };
  return {
    note,
    refuse(response, envelope, request, error) {
      const { requestId, caller } = request;
      const problem = note(request, error);
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
