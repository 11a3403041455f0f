import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Audit } from '../audit/audit.ts';
import type { Caller } from '../calls/call.ts';
import type { OpenRequest } from '../calls/call-request.ts';
import type { Identified } from '../calls/context.ts';
import type { Pipeline } from '../calls/pipeline.ts';
import { isForm } from '../calls/receive/form.ts';
import { receiveBody, requireKnownEncoding } from '../calls/receive/receive-body.ts';
import type { StallWatch } from '../calls/receive/stall-watch.ts';
import { runStep, whenKnown } from '../calls/when-known.ts';
import type { InFlight } from '../in-flight.ts';
import type { Operation } from '../operations/operation.ts';
import type { Envelope } from './envelope.ts';
import { ownHeaders } from './headers.ts';
import type { Refusals, RefusedRequest } from './refusals.ts';
import { makeRequestId } from './request-id.ts';
import type { Surface, SurfaceCalls } from './surface.ts';
import { traceIdOf } from './trace-id.ts';

export interface CallsOptions {
  readonly pipeline: Pipeline;
  readonly refusals: Refusals;
  readonly audit: Pick<Audit, 'refused'>;
  /** The surfaces whose calls it takes. */
  readonly surfaces: readonly Pick<Surface<never>, 'calls' | 'envelope'>[];
  readonly inFlight: InFlight;
  readonly stalls: StallWatch;
}

/** A call that a surface serves. */
interface Served {
  /** Method and path. */
  readonly route: string;
  readonly operation: Operation;
  readonly envelope: Envelope;
  readonly checkHeaders: SurfaceCalls['checkHeaders'];
}

/**
 * The governed calls of all surfaces. They are most of what a proxy does, so they go straight from node:http into the
 * pipeline: what a framework does for a request costs about as much as governing it.
 *
 * @returns a listener that says whether the request was one of its own
 */
export function makeCallListener({ pipeline, refusals, audit, surfaces, inFlight, stalls }: CallsOptions) {
  const byPath = new Map(surfaces.flatMap(servedBy));

  const answer = (
    { route, operation, envelope, checkHeaders }: Served,
    request: IncomingMessage,
    response: ServerResponse,
  ) => {
    const startedTicks = performance.now();
    const startedAtMs = Date.now();
    const requestId = makeRequestId(startedAtMs);
    let caller: Caller | undefined;
    const share = inFlight.open();
    const fail = (error: unknown) => {
      refusals.refuse(response, envelope, { requestId, caller, route, traceId: traceIdOf(request.headers) }, error);
      share.release();
    };
    const ofCall = (inSession: Caller): RefusedRequest => ({
      ...{ requestId, caller: inSession, route },
      traceId: traceIdOf(request.headers),
    });
    const run = (identified: Identified): void | Promise<void> => {
      caller = identified.caller;
      requireKnownEncoding(request.headers);
      checkHeaders?.(request.headers);
      const open: OpenRequest = {
        context: { requestId, startedAtMs, startedTicks, caller, inForce: identified.inForce, share },
        operation,
        headers: request.headers,
        response,
        responseHeaders: (inSession) => ownHeaders(requestId, inSession, envelope.requestIdHeader),
        refuse: (error, inSession) => refusals.refuse(response, envelope, ofCall(inSession), error),
        onBlocked: (error, inSession) => audit.refused({ requestId, caller: inSession, route }, error),
        onEnd: () => share.release(),
      };
      if (operation.takesForm && isForm(request)) return pipeline.runForm({ ...open, request });
      const whole = (rawBody: Buffer) => runStep(() => pipeline.run(open, rawBody), fail);
      receiveBody(request, share, stalls, { whole, failed: fail });
    };
    runStep(() => whenKnown(pipeline.authenticate(request), run), fail);
  };

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = request.url ?? '';
    const end = url.indexOf('?');
    const served = request.method === 'POST' ? byPath.get(end === -1 ? url : url.slice(0, end)) : undefined;
    if (!served) return false;
    answer(served, request, response);
    return true;
  };
}

function servedBy({ calls, envelope }: Pick<Surface<never>, 'calls' | 'envelope'>): [path: string, served: Served][] {
  if (!calls) return [];
  const { prefix, operations, checkHeaders } = calls;
  return operations.map((operation) => {
    const path = prefix + operation.path;
    return [path, { route: `POST ${path}`, operation, envelope, checkHeaders }];
  });
}
