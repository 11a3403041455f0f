import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../../calls/call.ts';
import type { OpenRequest } from '../../calls/call-request.ts';
import type { Identified } from '../../calls/context.ts';
import type { Pipeline } from '../../calls/pipeline.ts';
import { isForm } from '../../calls/receive/form.ts';
import { receiveBody, requireKnownEncoding } from '../../calls/receive/receive-body.ts';
import type { StallWatch } from '../../calls/receive/stall-watch.ts';
import { runStep, whenKnown } from '../../calls/when-known.ts';
import { ownHeaders } from '../../http/headers.ts';
import type { Refusals } from '../../http/refusals.ts';
import { makeRequestId } from '../../http/request-id.ts';
import type { InFlight } from '../../in-flight.ts';
import { batches } from '../../operations/batches.ts';
import { chat } from '../../operations/chat.ts';
import { compact } from '../../operations/compact.ts';
import { completions } from '../../operations/completions.ts';
import { embeddings } from '../../operations/embeddings.ts';
import { imageOperations } from '../../operations/images.ts';
import { moderations } from '../../operations/moderations.ts';
import type { Operation } from '../../operations/operation.ts';
import { responses } from '../../operations/responses.ts';
import { speech } from '../../operations/speech.ts';
import { transcriptions, translations } from '../../operations/transcriptions.ts';
import { openAiEnvelope } from './envelope.ts';

/** The calls that are governed; a new one needs a line here. */
export const operations: readonly Operation[] = [
  responses,
  compact,
  batches,
  chat,
  completions,
  embeddings,
  moderations,
  ...imageOperations,
  speech,
  transcriptions,
  translations,
];

export interface CallsOptions {
  readonly pipeline: Pipeline;
  readonly refusals: Refusals;
  /** Where the surface is, such as `/v1`. */
  readonly prefix: string;
  readonly inFlight: InFlight;
  readonly stalls: StallWatch;
}

/**
 * The governed calls. They are most of what a proxy does, so they go straight from node:http into the pipeline: what a
 * framework does for a request costs about as much as governing it.
 *
 * @returns a listener that says whether the request was one of its own
 */
export function makeCallListener({ pipeline, refusals, prefix, inFlight, stalls }: CallsOptions) {
  const byPath = new Map(operations.map((operation) => [`${prefix}${operation.path}`, operation]));

  const answer = (operation: Operation, request: IncomingMessage, response: ServerResponse) => {
    const startedTicks = performance.now();
    const startedAtMs = Date.now();
    const requestId = makeRequestId(startedAtMs);
    let caller: Caller | undefined;
    const share = inFlight.open();
    const fail = (error: unknown) => {
      refusals.refuse(response, openAiEnvelope, requestId, caller, error);
      share.release();
    };
    const run = (identified: Identified): void | Promise<void> => {
      caller = identified.caller;
      requireKnownEncoding(request.headers);
      const open: OpenRequest = {
        context: { requestId, startedAtMs, startedTicks, caller, inForce: identified.inForce, share },
        operation,
        headers: request.headers,
        response,
        responseHeaders: (inSession) => ownHeaders(requestId, inSession),
        refuse: (error, inSession) => refusals.refuse(response, openAiEnvelope, requestId, inSession, error),
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
    const operation = request.method === 'POST' ? byPath.get(end === -1 ? url : url.slice(0, end)) : undefined;
    if (!operation) return false;
    answer(operation, request, response);
    return true;
  };
}
