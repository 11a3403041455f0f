import type { Admission } from './admit/admission.ts';
import { admitFormModels } from './admit/admit.ts';
import type { AnswerCall } from './answer/answer-call.ts';
import type { Call } from './call.ts';
import type { FormRequest } from './call-request.ts';
import { openForm } from './receive/form.ts';
import type { StallWatch } from './receive/stall-watch.ts';
import type { Reserve } from './reserve/reserve.ts';
import { refuseFormReferences } from './resources/references.ts';
import { sentModel } from './route/sent-model.ts';
import { upstreamHeaders } from './upstream-headers.ts';

/**
 * Makes a call whose body is a form, which goes upstream while it arrives.
 *
 * @throws {ProxyError} where the call is not made
 */
export type RunForm = (request: FormRequest) => Promise<void>;

export interface RunFormOptions {
  readonly admission: Admission;
  readonly stalls: StallWatch;
  readonly reserve: Reserve;
  readonly answerCall: AnswerCall;
}

export function makeRunForm({ admission, stalls, reserve, answerCall }: RunFormOptions): RunForm {
  return async (request) => {
    const { context, operation } = request;
    const { snapshot } = context.inForce;
    admission.open(context, operation);
    const headers = upstreamHeaders(request.headers, snapshot, context.caller);
    const form = await openForm(request.request, context.share, stalls, ({ fields }) => {
      admitFormModels(snapshot, fields);
      refuseFormReferences(fields);
    });
    const onEnd = () => {
      form.close();
      request.onEnd();
    };
    try {
      const { fields, files } = form.content;
      const { model, key, guard } = await admission.admit({
        context,
        operation,
        body: fields,
        said: fields,
        isRewritable: false,
        otherModels: [],
        references: [],
      });
      const providerModel = sentModel(key, model);
      if (providerModel !== undefined && providerModel !== model) form.renameModel(providerModel);
      const call: Call = {
        kind: 'call',
        requestId: context.requestId,
        startedAtMs: context.startedAtMs,
        startedTicks: context.startedTicks,
        operation: operation.name,
        caller: context.caller,
        input: () => JSON.stringify({ ...fields, files }),
        body: fields,
        isStream: () => fields.stream === 'true',
        requestedModel: model,
        persona: undefined,
        previousResponseId: undefined,
        key,
        guard,
      };
      const attempt = { body: form.bytes(), hideUsage: false };
      const sought = { context, operation: operation.name, model, key, body: fields };
      const reservation = await reserve({ ...sought, sent: undefined, hasReferences: true });
      answerCall(
        { ...request, onEnd },
        { context, operation, call, headers: { ...headers, ...form.headers() }, attempt, reservation },
      );
    } catch (error) {
      form.close();
      throw error;
    }
  };
}
