import { asArray, asObject, asString, type Body } from '../../json.ts';
import { readMessageUsage, readTier } from '../usage.ts';

/** Makes a chat completion from a message. Thoughts are left out: a chat completion has no place for them. */
export function toCompletion(message: Body): Body {
  const blocks = asArray(message.content).map(asObject);
  const text = blocks.map((block) => (block?.type === 'text' ? (asString(block.text) ?? '') : '')).join('');
  const calls = blocks.filter((block) => block?.type === 'tool_use').map((block) => toCall(block ?? {}));
  return {
    ...headOf(message),
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && calls.length > 0 ? null : text,
          refusal: refusalOf(message),
          annotations: [],
          ...(calls.length > 0 && { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: finishReason(message.stop_reason),
      },
    ],
    usage: toChatUsage(asObject(message.usage)),
    ...tierOf(message),
  };
}

export function headOf({ id, model }: Body): Body {
  return { id, created: Math.floor(Date.now() / 1_000), model };
}

/** The tier, where the price depends on it. */
export function tierOf({ usage, model }: Body): Body {
  const tier = readTier(asObject(usage), asString(model));
  return tier === null ? {} : { service_tier: tier };
}

function toCall({ id, name, input }: Body): Body {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } };
}

/** Why the model declined, where Anthropic says so. */
export function refusalOf({ stop_details }: Body): string | null {
  return asString(asObject(stop_details)?.explanation);
}

/** @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons */
export function finishReason(stopReason: unknown): string {
  switch (stopReason) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'tool_use':
      return 'tool_calls';
    case 'refusal':
      return 'content_filter';
    default:
      return 'stop';
  }
}

/** Usage in OpenAI's form, with what Anthropic bills beside it in Anthropic's own fields. */
export function toChatUsage(usage: Body | null): Body | null {
  const { inputTokens, outputTokens, totalTokens, cachedInputTokens, reasoningTokens } = readMessageUsage(usage, []);
  if (!usage || inputTokens === null || outputTokens === null) return null;
  const { cache_creation_input_tokens, cache_read_input_tokens, cache_creation, server_tool_use } = usage;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: totalTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens ?? 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoningTokens ?? 0 },
    ...(cache_creation_input_tokens != null && { cache_creation_input_tokens }),
    ...(cache_read_input_tokens != null && { cache_read_input_tokens }),
    ...(cache_creation != null && { cache_creation }),
    ...(server_tool_use != null && { server_tool_use }),
  };
}

/** Makes OpenAI's error from Anthropic's. */
export function toChatError(answer: Body): Body {
  const error = asObject(answer.error);
  const type = asString(error?.type) ?? 'api_error';
  return { error: { message: asString(error?.message) ?? type, type, param: null, code: type } };
}
