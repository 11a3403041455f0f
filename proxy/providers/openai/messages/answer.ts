import { asArray, asObject, asString, type Body, parseExactly } from '../../json.ts';
import type { Usage } from '../../usage.ts';
import { readTokenUsage } from '../token-usage.ts';

/** Makes a message from a chat completion. */
export function toMessage(completion: Body): Body {
  const choice = asObject(asArray(completion.choices)[0]);
  const said = asObject(choice?.message);
  const refusal = asString(said?.refusal) ?? '';
  const text = (asString(said?.content) ?? '') + refusal;
  const calls = asArray(said?.tool_calls).map((call) => toToolUse(asObject(call) ?? {}));
  const usage = readTokenUsage(completion.usage);
  return {
    ...headOf(completion.id, completion.model),
    content: [...(text === '' ? [] : [{ type: 'text', text, citations: null }]), ...calls],
    ...endOf(choice?.finish_reason, calls.length > 0, refusal !== ''),
    usage: toMessageUsage(usage, asString(completion.service_tier)),
  };
}

export function headOf(id: unknown, model: unknown): Body {
  return { id, type: 'message', role: 'assistant', model, container: null };
}

function toToolUse({ id, function: called }: Body): Body {
  const { name, arguments: json } = asObject(called) ?? {};
  return { type: 'tool_use', id, caller: { type: 'direct' }, name, input: readInput(asString(json) ?? '') };
}

/** Of a call that was cut off, the input is empty. */
function readInput(json: string): unknown {
  try {
    return asObject(parseExactly(json)) ?? {};
  } catch {
    return {};
  }
}

/** Why the answer ended. A chat completion does not say which stop sequence it met. */
export function endOf(finishReason: unknown, hasCalls: boolean, isRefused: boolean): Body {
  const reason = stopReason(finishReason, hasCalls, isRefused);
  const details = reason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null;
  return { stop_reason: reason, stop_sequence: null, stop_details: details };
}

function stopReason(finishReason: unknown, hasCalls: boolean, isRefused: boolean): string {
  if (finishReason === 'length') return 'max_tokens';
  if (finishReason === 'content_filter' || isRefused) return 'refusal';
  return hasCalls ? 'tool_use' : 'end_turn';
}

/** Usage in Anthropic's form. What is unknown is null, never 0, which would be free. */
export function toMessageUsage(usage: Usage, serviceTier: string | null): Body {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens, toolCalls } = usage;
  const beside = (cachedInputTokens ?? 0) + (cacheWriteTokens ?? 0);
  // A fee that a message cannot tell makes the call unpriced, like another tier.
  const tier = toolCalls ? 'tools' : serviceTier;
  return {
    input_tokens: inputTokens === null ? null : Math.max(0, inputTokens - beside),
    cache_creation_input_tokens: cacheWriteTokens ?? 0,
    cache_read_input_tokens: cachedInputTokens ?? 0,
    cache_creation: null,
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: reasoningTokens ?? 0 },
    server_tool_use: null,
    service_tier: tier === null || tier === 'default' ? 'standard' : tier,
    inference_geo: null,
    speed: null,
  };
}

/** Makes Anthropic's error from OpenAI's. */
export function toMessageError(answer: Body, status: number): Body {
  const error = asObject(answer.error);
  const message = asString(error?.message) ?? asString(answer.message) ?? 'The provider had an error';
  const code = asString(error?.code) ?? asString(error?.type);
  const details = code === null ? {} : { details: { error_code: code } };
  return {
    type: 'error',
    error: { type: typeOf(status), message, param: error?.param ?? null, ...details },
    request_id: null,
  };
}

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

function typeOf(status: number): string {
  return types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}
