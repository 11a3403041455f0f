import type { Operation } from '../operations/operation.ts';
import { makeUpstreamBody } from './admit/body.ts';
import type { Permit, Permitted } from './admit/permit.ts';
import { inResponseFormat } from './admit/response-format.ts';
import { refusesUsageOption, type UsageRefusals } from './admit/usage-option.ts';
import type { AnswerCall } from './answer/answer-call.ts';
import type { Attempt } from './answer/forward.ts';
import type { Call } from './call.ts';
import type { OpenRequest } from './call-request.ts';
import type { Reservation, Reserve, Sought } from './reserve/reserve.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import { whenKnown } from './when-known.ts';

/**
 * Makes a call whose body is JSON. It returns as soon as the call is on its way, mostly in the same turn of the event
 * loop.
 *
 * @throws {ProxyError} where the call is not made; the promise rejects with it, if there is one
 */
export type RunBody = (request: OpenRequest, rawBody: Buffer) => void | Promise<void>;

export interface RunBodyOptions {
  readonly permit: Permit;
  readonly reserve: Reserve;
  readonly answerCall: AnswerCall;
  readonly usageRefusals: Pick<UsageRefusals, 'add'>;
}

export function makeRunBody({ permit, reserve, answerCall, usageRefusals }: RunBodyOptions): RunBody {
  const answer = (request: OpenRequest, permitted: Permitted, reservation: Reservation) => {
    const operation = inResponseFormat(request.operation, request.headers, request.context.inForce.snapshot);
    const { context, asked, rawBody, body, persona, model, key, format } = permitted;
    const changes = reservation.changes ? { ...permitted.changes, ...reservation.changes } : permitted.changes;
    const make = (mayAskForUsage: boolean) =>
      makeUpstreamBody(rawBody, asked, body, operation, format, persona, {
        mayAskForUsage,
        changes,
        provider: key.provider.name,
      });
    const sent = reservation.changes ? make(permitted.sent.hideUsage) : permitted.sent;
    const headers = upstreamHeaders(request.headers, context.inForce.snapshot, context.caller, format.passes);
    headers['content-type'] = 'application/json';
    /** Without the question for the usage, where that alone was refused. */
    const another = (status: number, text: string): Attempt | undefined => {
      if (!refusesUsageOption(status, text)) return undefined;
      return { ...make(false), onTaken: () => usageRefusals.add(key.provider, model) };
    };
    const call = callOf(request.operation, permitted);
    const mayHaveRefused = sent.hideUsage && format.translation?.takesUsageOption !== false;
    const next = mayHaveRefused ? another : undefined;
    answerCall(request, { context, operation, call, headers, attempt: sent, reservation, another: next });
  };
  return (request, rawBody) =>
    whenKnown(permit({ context: request.context, operation: request.operation, rawBody }), (permitted) =>
      whenKnown(reserve(soughtOf(request.operation, permitted)), (reservation) => {
        try {
          answer(request, permitted, reservation);
        } catch (error) {
          reservation.release();
          throw error;
        }
      }),
    );
}

function soughtOf(operation: Operation, { context, asked, body, model, key, sent, lines }: Permitted): Sought {
  const hasReferences = asked.fields.references.length > 0;
  return { context, operation: operation.name, model, key, body, sent: sent.body, hasReferences, lines };
}

function callOf(operation: Operation, { context, rawBody, body, model, persona, key, guard }: Permitted): Call {
  return {
    kind: 'call',
    requestId: context.requestId,
    startedAtMs: context.startedAtMs,
    startedTicks: context.startedTicks,
    operation: operation.name,
    caller: context.caller,
    input: () => rawBody,
    body,
    isStream: () => body.stream === true,
    requestedModel: model,
    persona,
    previousResponseId: typeof body.previous_response_id === 'string' ? body.previous_response_id : undefined,
    key,
    guard,
  };
}
