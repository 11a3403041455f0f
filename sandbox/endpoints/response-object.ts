import { itemId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { IdentifiedCall } from '../tools/tool.ts';
import type { TokenUsage } from '../usage.ts';

export type FinalStatus = 'completed' | 'incomplete' | 'failed';

/** A response that is decided but not yet written. */
export interface ResponsePlan {
  status: FinalStatus;
  /** `id`, `object`, `created_at` */
  head: JsonObject;
  model: string;
  echo: JsonObject;
  text: string;
  /** Tool calls, which replace the message. */
  calls: ResponseCall[];
  usage: TokenUsage;
  /** The id of the reasoning item; null where there was no reasoning. */
  reasoningId: string | null;
  messageId: string;
  isBackground: boolean;
}

/** A call, with the id of its item. */
export type ResponseCall = IdentifiedCall & { id: string };

/** The response before its output, as in `response.created` and `response.in_progress`. */
export function openResponse(plan: ResponsePlan, status: 'queued' | 'in_progress' = 'in_progress'): JsonObject {
  return response(plan, status, { output: [], usage: null });
}

/** A background response that was cancelled before any output. Its input is billed. */
export function cancelledResponse(plan: ResponsePlan): JsonObject {
  return response(plan, 'cancelled', { output: [], usage: usageObject(cancelledUsage(plan)) });
}

export function cancelledUsage({ usage }: ResponsePlan): TokenUsage {
  return { ...usage, output: 0, reasoning: 0 };
}

/** The finished response, for the answer, the store and the terminal event. */
export function finishedResponse(plan: ResponsePlan): JsonObject {
  if (plan.status === 'failed') {
    const error = { code: 'server_error', message: 'The model failed to generate a response.' };
    return response(plan, 'failed', { error, output: [], usage: null });
  }
  return response(plan, plan.status, {
    completed_at: plan.status === 'completed' ? Math.floor(Date.now() / 1000) : null,
    incomplete_details: plan.status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    output: outputItems(plan),
    usage: usageObject(plan.usage),
  });
}

/** The items of the output: the reasoning, then the calls or the message, unless the limit leaves no token for them. */
export function outputItems(plan: ResponsePlan): JsonObject[] {
  const reasoning = plan.reasoningId === null ? [] : [reasoningItem(plan.reasoningId)];
  return [...reasoning, ...saidItems(plan)];
}

/** The items of the output without the reasoning. If the limit cut the output, it cut the last item. */
export function saidItems(plan: ResponsePlan): JsonObject[] {
  if (plan.status === 'failed') return [];
  const status = plan.status === 'incomplete' ? 'incomplete' : 'completed';
  if (plan.calls.length > 0) {
    return plan.calls.map((call) => callItem(call, call === plan.calls.at(-1) ? status : 'completed'));
  }
  return plan.text === '' ? [] : [messageItem(plan, status)];
}

export function callItem(
  { id, kind, callId, name, input }: ResponseCall,
  status: 'in_progress' | 'completed' | 'incomplete',
): JsonObject {
  const said = status === 'in_progress' ? '' : input;
  return kind === 'function'
    ? { id, type: 'function_call', status, arguments: said, call_id: callId, name }
    : { id, type: 'custom_tool_call', status, call_id: callId, input: said, name };
}

export function reasoningItem(id: string): JsonObject {
  return { id, type: 'reasoning', summary: [] };
}

export function messageItem(plan: ResponsePlan, status: 'in_progress' | 'completed' | 'incomplete'): JsonObject {
  const content = status === 'in_progress' ? [] : [textPart(plan.text)];
  return { id: plan.messageId, type: 'message', status, content, role: 'assistant' };
}

export function textPart(text: string): JsonObject {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}

/** An input item for `input_items`: with an id, and a message's text as a list of parts. */
export function inputItem(item: JsonObject): JsonObject {
  const { type = 'message', content } = item;
  if (type !== 'message') return { id: itemId('item'), ...item };
  const kind = item.role === 'assistant' ? 'output_text' : 'input_text';
  const parts = typeof content === 'string' ? [{ type: kind, text: content }] : (content ?? []);
  return { id: itemId('msg'), status: 'completed', ...item, type, content: parts };
}

function response(
  plan: ResponsePlan,
  status: FinalStatus | 'queued' | 'in_progress' | 'cancelled',
  result: JsonObject,
): JsonObject {
  return {
    ...plan.head,
    status,
    completed_at: null,
    error: null,
    incomplete_details: null,
    model: plan.model,
    ...plan.echo,
    ...result,
  };
}

export function usageObject({ input, cached, output, reasoning }: TokenUsage): JsonObject {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}
