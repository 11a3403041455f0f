import type { IncomingMessage, ServerResponse } from 'node:http';
import { makeRequestId } from '../../../database/ids.ts';
import type { Caller } from '../../calls/call.ts';
import type { Pipeline } from '../../calls/pipeline.ts';
import { isForm } from '../../calls/receive/form.ts';
import { receiveBody, requireKnownEncoding } from '../../calls/receive/receive-body.ts';
import type { StallWatch } from '../../calls/receive/stall-watch.ts';
import type { ProxyError } from '../../error.ts';
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
import { ownHeaders, type Refusals } from './refusals.ts';

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

  const answer = async (operation: Operation, request: IncomingMessage, response: ServerResponse) => {
    const startedTicks = performance.now();
    const startedAtMs = Date.now();
    const requestId = makeRequestId(startedAtMs);
    let caller: Caller | undefined;
    const share = inFlight.open();
    try {
      const known = pipeline.authenticate(request);
      const { caller: identified, inForce } = known instanceof Promise ? await known : known;
      caller = identified;
      requireKnownEncoding(request.headers);
      const open = {
        context: { requestId, startedAtMs, startedTicks, caller, inForce, share },
        operation,
        headers: request.headers,
        response,
        responseHeaders: (inSession: Caller) => ownHeaders(requestId, inSession),
        refuse: (error: ProxyError, inSession: Caller) => refusals.refuse(response, requestId, inSession, error),
      };
      if (operation.takesForm && isForm(request)) await pipeline.runForm({ ...open, request });
      else await pipeline.run({ ...open, rawBody: await receiveBody(request, share, stalls) });
    } catch (error) {
      refusals.refuse(response, requestId, caller, error);
    } finally {
      share.release();
    }
  };

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = request.url ?? '';
    const end = url.indexOf('?');
    const operation = request.method === 'POST' ? byPath.get(end === -1 ? url : url.slice(0, end)) : undefined;
    if (!operation) return false;
    void answer(operation, request, response);
    return true;
  };
}
