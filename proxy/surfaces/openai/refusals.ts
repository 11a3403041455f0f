import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { breakOff } from '../../calls/answer/break-off.ts';
import type { Caller } from '../../calls/call.ts';
import { acceptedEncodings } from '../../calls/receive/receive-body.ts';
import type { Metrics } from '../../calls/settle/metrics.ts';
import type { ProxyError } from '../../error.ts';
import { toEnvelope, toProxyError } from './envelope.ts';

/** How the surface says no. */
export interface Refusals {
  /** Counts a refusal, and logs with its cause what nobody foresaw. @returns the problem to answer with */
  note(requestId: string, error: unknown): ProxyError;
  /** Answers on the raw response, for the calls, which write on it themselves. */
  refuse(response: ServerResponse, requestId: string, caller: Caller | undefined, error: unknown): void;
}

export function makeRefusals({ metrics, log }: { readonly metrics: Metrics; readonly log: Logger }): Refusals {
  const note: Refusals['note'] = (requestId, error) => {
    const problem = toProxyError(error);
    if (problem.code === 'internal_error') log.error({ err: error, requestId }, 'internal error');
    else log.debug({ code: problem.code, requestId }, 'refused');
    metrics.refused.inc({ code: problem.code });
    return problem;
  };
  return {
    note,
    refuse(response, requestId, caller, error) {
      const problem = note(requestId, error);
      if (response.headersSent) {
        breakOff(response);
        return;
      }
      const body = JSON.stringify(toEnvelope(problem));
      response.writeHead(problem.status, {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        ...ownHeaders(requestId, caller),
        ...problemHeaders(problem),
      });
      response.end(body);
    },
  };
}

/** What HTTP has headers for: when to try again, what would be accepted or is spoken, and that nothing more is read. */
export function problemHeaders({ code, headers }: ProxyError): Record<string, string> {
  if (code === 'overloaded') return { 'retry-after': '1' };
  // RFC 9110, section 15.5.22: which protocol is spoken. Clients fall back to HTTP by the status.
  if (code === 'websocket_not_served') return { upgrade: 'HTTP/1.1', connection: 'upgrade, close' };
  if (code === 'unsupported_encoding') return { 'accept-encoding': acceptedEncodings };
  return code === 'request_timeout' ? { connection: 'close' } : { ...headers };
}

/** The headers of our own: on every answer, and once the caller is known, with the session. */
export function ownHeaders(requestId: string, caller: Caller | undefined): Record<string, string> {
  if (!caller) return { 'x-request-id': requestId };
  return { 'x-request-id': requestId, 'x-session-id': toHeader(caller.sessionId) };
}

/** A header's value as Node writes it: UTF-8 bytes, each as one Latin-1 character. */
function toHeader(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}
