import { splitDeltas, splitJson } from '../answer.ts';
import type { EventStream, StreamEvent } from '../generation.ts';
import type { JsonObject } from '../json.ts';
import {
  callItem,
  messageItem,
  openResponse,
  type ResponseCall,
  type ResponsePlan,
  reasoningItem,
  saidItems,
  textPart,
} from './response-object.ts';

/** A response as server-sent events, numbered from 0, without a `[DONE]`. */
export function responseStream(plan: ResponsePlan, finished: JsonObject): EventStream {
  const deltas = plan.status === 'failed' ? [] : splitDeltas(plan.text);
  const inputs = plan.status === 'failed' ? [] : plan.calls.map(splitInput);
  return {
    deltaCount: deltas.length + inputs.flat().length,
    events: () => events(plan, finished, deltas, inputs),
    encode(data, sequence) {
      const { type, ...rest } = data;
      return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence, ...rest })}\n\n`;
    },
    error: ({ code, message, param }) => ({ type: 'error', code, message, param }),
    unknown: () => ({ type: 'response.sandbox.note', note: 'No client knows events of this type.' }),
    trailer: '',
  };
}

function splitInput({ kind, input }: ResponseCall): string[] {
  return kind === 'function' ? splitJson(input) : splitDeltas(input);
}

function* events(
  plan: ResponsePlan,
  finished: JsonObject,
  deltas: string[],
  inputs: string[][],
): Iterable<StreamEvent> {
  const open = openResponse(plan);
  const first = plan.isBackground ? openResponse(plan, 'queued') : open;
  yield { part: 'opening', data: { type: 'response.created', response: first } };
  if (plan.isBackground) yield { part: 'opening', data: { type: 'response.queued', response: first } };
  yield { part: 'opening', data: { type: 'response.in_progress', response: open } };
  if (plan.status !== 'failed') {
    if (plan.reasoningId !== null) yield* reasoningEvents(plan.reasoningId);
    if (deltas.length > 0) yield* messageEvents(plan, deltas);
    for (const [index, pieces] of inputs.entries()) yield* callEvents(plan, index, pieces);
  }
  yield { part: 'terminal', data: { type: `response.${plan.status}`, response: finished } };
}

function* reasoningEvents(id: string): Iterable<StreamEvent> {
  const data = { output_index: 0, item: reasoningItem(id) };
  yield { part: 'opening', data: { type: 'response.output_item.added', ...data } };
  yield { part: 'opening', data: { type: 'response.output_item.done', ...data } };
}

function* messageEvents(plan: ResponsePlan, deltas: string[]): Iterable<StreamEvent> {
  const output_index = firstIndex(plan);
  const place = { item_id: plan.messageId, output_index, content_index: 0 };
  const added = { output_index, item: messageItem(plan, 'in_progress') };
  const done = { output_index, item: saidItems(plan).at(-1) ?? null };
  yield { part: 'opening', data: { type: 'response.output_item.added', ...added } };
  yield { part: 'opening', data: { type: 'response.content_part.added', ...place, part: textPart('') } };
  for (const delta of deltas) {
    yield { part: 'delta', data: { type: 'response.output_text.delta', ...place, delta, logprobs: [] } };
  }
  yield { part: 'closing', data: { type: 'response.output_text.done', ...place, text: plan.text, logprobs: [] } };
  yield { part: 'closing', data: { type: 'response.content_part.done', ...place, part: textPart(plan.text) } };
  yield { part: 'closing', data: { type: 'response.output_item.done', ...done } };
}

/** The index of the message or the first call in the output. */
function firstIndex({ reasoningId }: ResponsePlan): number {
  return reasoningId === null ? 0 : 1;
}

function* callEvents(plan: ResponsePlan, index: number, pieces: string[]): Iterable<StreamEvent> {
  const call = plan.calls[index];
  if (!call) return;
  const output_index = firstIndex(plan) + index;
  const place = { item_id: call.id, output_index };
  const [type, whole] =
    call.kind === 'function'
      ? ['response.function_call_arguments', { arguments: call.input }]
      : ['response.custom_tool_call_input', { input: call.input }];
  const added = { output_index, item: callItem(call, 'in_progress') };
  const done = { output_index, item: saidItems(plan)[index] ?? null };
  yield { part: 'opening', data: { type: 'response.output_item.added', ...added } };
  for (const delta of pieces) yield { part: 'delta', data: { type: `${type}.delta`, ...place, delta } };
  yield { part: 'closing', data: { type: `${type}.done`, ...place, ...whole } };
  yield { part: 'closing', data: { type: 'response.output_item.done', ...done } };
}
