import type { Operation } from '../operations/operation.ts';
import { makeUpstreamBody } from './admit/body.ts';
import type { Permit, Permitted } from './admit/permit.ts';
import { inResponseFormat } from './admit/response-format.ts';
import { refusesUsageOption, type UsageRefusals } from './admit/usage-option.ts';
import type { AnswerCall } from './answer/answer-call.ts';
import type { Attempt } from './answer/forward.ts';
import type { Call } from './call.ts';
import type { OpenRequest } from './call-request.ts';
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
  readonly answerCall: AnswerCall;
  readonly usageRefusals: Pick<UsageRefusals, 'add'>;
}

export function makeRunBody({ permit, answerCall, usageRefusals }: RunBodyOptions): RunBody {
  return (request, rawBody) => {
    const operation = inResponseFormat(request.operation, request.headers, request.context.inForce.snapshot);
    return whenKnown(permit({ context: request.context, operation: request.operation, rawBody }), (permitted) => {
      const { context, asked, rawBody: judged, body, persona, model, key, format, changes, sent } = permitted;
      const headers = upstreamHeaders(request.headers, context.inForce.snapshot, context.caller);
      headers['content-type'] = 'application/json';
      /** Without the question for the usage, where that alone was refused. */
      const another = (status: number, text: string): Attempt | undefined => {
        if (!refusesUsageOption(status, text)) return undefined;
        const plain = makeUpstreamBody(judged, asked, body, operation, format, persona, {
          mayAskForUsage: false,
          changes,
        });
        return { ...plain, onTaken: () => usageRefusals.add(key.provider, model) };
      };
      const call = callOf(request.operation, permitted);
      const next = sent.hideUsage ? another : undefined;
      answerCall(request, { context, operation, call, headers, attempt: sent, another: next });
    });
  };
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
