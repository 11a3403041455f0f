import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { ProxyError } from '../../error.ts';
import type { Metrics } from '../../pipeline/metrics.ts';
import { toEnvelope, toProxyError } from './envelope.ts';

/** How the surface says no. */
export interface Refusals {
  /** Counts a refusal, and logs with its cause what nobody foresaw. @returns the problem to answer with */
  note(request: FastifyRequest, error: unknown): ProxyError;
  /** Answers on the raw response, for the routes that write on it themselves. */
  refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): void;
}

export function makeRefusals({ metrics, log }: { readonly metrics: Metrics; readonly log: Logger }): Refusals {
  const note: Refusals['note'] = (request, error) => {
    const problem = toProxyError(error);
    if (problem.code === 'internal_error') log.error({ err: error, requestId: request.id }, 'internal error');
    else log.debug({ code: problem.code, requestId: request.id }, 'refused');
    metrics.refused.inc({ code: problem.code });
    return problem;
  };
  return {
    note,
    refuse(request, reply, error) {
      const problem = note(request, error);
      const { raw } = reply;
      if (raw.headersSent) {
        raw.destroy();
        return;
      }
      const body = JSON.stringify(toEnvelope(problem));
      raw.writeHead(problem.status, {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        ...ownHeaders(request),
      });
      raw.end(body);
    },
  };
}

/** The headers of our own that every answer to an authenticated request has. */
export function ownHeaders(request: FastifyRequest): Record<string, string> {
  return { 'x-request-id': request.id, 'x-session-id': toHeader(request.caller.sessionId) };
}

/** A header's value as Node writes it: UTF-8 bytes, each as one Latin-1 character. */
function toHeader(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}
