import { startWork } from '../background-work.ts';
import { Fields } from '../fields.ts';
import type { Generation, GenerationRequest } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { itemId, toolCallId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Conversation, Keep } from '../keep.ts';
import { findTextModel } from '../models.ts';
import { composeOutput } from '../output.ts';
import { ProviderError } from '../provider-error.ts';
import { requirePrevious, type StoredResponse } from '../response-store.ts';
import { requireAnsweredItems } from '../tools/answered-calls.ts';
import { operatorTurn, readItem, type Turn } from '../turns.ts';
import { usageOf } from '../usage.ts';
import { conversationOf } from './conversations.ts';
import { keepItems, resolveItems } from './items.ts';
import { requireReferences } from './references.ts';
import {
  cancelledUsage,
  finishedResponse,
  inputItem,
  openResponse,
  outputItems,
  type ResponsePlan,
  saidItems,
} from './response-object.ts';
import { type ResponseRequest, readResponseRequest } from './response-request.ts';
import { responseStream } from './response-stream.ts';

export function makeResponses(keepOf: (key: string) => Keep): GenerativeEndpoint {
  return {
    path: '/v1/responses',
    newId: () => itemId('resp'),
    generate: (request) => generate(keepOf(request.key), request),
  };
}

function generate(keep: Keep, { id, body, faults, createdAt }: GenerationRequest): Generation {
  const fields = new Fields(body);
  const request = readResponseRequest(fields);
  if (faults.refusal) {
    const message = "The sandbox directive 'refusal' is for chat completions.";
    throw new ProviderError(message, { param: 'metadata.sandbox', code: 'unsupported_parameter' });
  }
  const model = findTextModel(request.model);
  const prompt = readPrompt(keep, fields, request);
  requireAnsweredItems(prompt.turns);

  const reasoning = Math.min(faults.reasoning ?? 0, request.maxOutputTokens);
  const maxTokens = request.maxOutputTokens - reasoning;
  const output = composeOutput({ ...request, turns: prompt.turns, maxTokens }, faults);
  const usage = usageOf(bytesOf(prompt.turns), output.tokens, reasoning, faults);
  const plan: ResponsePlan = {
    status: faults.failed ? 'failed' : output.cut ? 'incomplete' : 'completed',
    head: { id, object: 'response', created_at: createdAt },
    model: model.snapshot,
    echo: { ...request.echo, conversation: prompt.conversation && { id: prompt.conversation.object.id ?? '' } },
    text: output.text,
    calls: output.calls.map((call) => {
      const id = itemId(call.kind === 'function' ? 'fc' : 'ctc');
      return { ...call, id, callId: toolCallId() };
    }),
    usage,
    reasoningId: reasoning > 0 ? itemId('rs') : null,
    messageId: itemId('msg'),
    isBackground: request.isBackground,
  };
  const response = finishedResponse(plan);
  const input = prompt.input.map(inputItem);
  const said = outputItems(plan);
  const turns = [...prompt.own, ...saidItems(plan).map((item) => readItem(item, 'output'))];
  const stored: StoredResponse = { response, plan, work: null, previousId: request.previousId, input, turns };
  const finish = () => {
    prompt.conversation?.items.push(...input, ...said);
    if (!request.store) {
      keep.unstored?.keep(id, stored);
      return;
    }
    keep.responses.keep(id, stored);
    keepItems(keep, [...input, ...said]);
  };
  const status = plan.status === 'failed' ? 'failed' : 'completed';
  const sent = request.stream
    ? ({ kind: 'stream', stream: responseStream(plan, response) } as const)
    : ({ kind: 'whole', body: plan.isBackground ? openResponse(plan, 'queued') : response } as const);
  if (!plan.isBackground) return { usage, failed: status === 'failed', answer: sent, onComplete: finish };
  return {
    usage,
    failed: false,
    answer: sent,
    onComplete() {
      if (request.stream) stored.work?.end('completed');
    },
    continues(end) {
      keep.responses.keep(id, stored);
      stored.work = startWork(faults.work ?? 0, (state) => {
        if (state === 'cancelled') return end('aborted', cancelledUsage(plan));
        finish();
        end(status, usage);
      });
    },
  };
}

interface Prompt {
  /** The call's input items, with references resolved. */
  input: JsonObject[];
  /** The turns that the model sees. */
  turns: Turn[];
  /** The turns of the call's own input. */
  own: Turn[];
  conversation: Conversation | null;
}

/** @throws ProviderError where a referenced object is missing */
function readPrompt(keep: Keep, fields: Fields, { instructions, input, previousId }: ResponseRequest): Prompt {
  requirePrevious(keep.responses, previousId);
  requireReferences(keep, fields);
  const conversation = conversationOf(keep, fields);
  const items = resolveItems(keep, input);
  const own = items.map((item, index) => readItem(item, `input[${index}]`));
  const earlier = conversation
    ? conversation.items.map((item) => readItem(item, 'conversation'))
    : keep.responses.chain(previousId).flatMap((stored) => stored.turns);
  const instructed = instructions === null ? [] : [operatorTurn(instructions)];
  return { input: items, turns: [...instructed, ...earlier, ...own], own, conversation };
}

/** `POST /v1/responses/input_tokens`: the input tokens that a response would be billed. */
export function countInputTokens(keep: Keep, body: Fields): JsonObject {
  const request = readResponseRequest(body);
  findTextModel(request.model);
  const { input } = usageOf(bytesOf(readPrompt(keep, body, request).turns), 0, 0, {});
  return { object: 'response.input_tokens', input_tokens: input };
}

function bytesOf(turns: readonly Turn[]): number {
  return turns.reduce((bytes, turn) => bytes + turn.bytes, 0);
}
