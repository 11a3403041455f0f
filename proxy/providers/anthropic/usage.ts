import { asArray, asCount, asObject, asString, type Body } from '../json.ts';
import { type ToolCalls, type Usage, unknownUsage } from '../usage.ts';

/**
 * Reads `usage` of a message. Anthropic counts tokens that were read from its cache, or written to it, beside
 * `input_tokens`; here they are part of the input.
 *
 * @param content the blocks of the message, which show what its own tools did
 * @see https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
 */
export function readMessageUsage(usage: Body | null, content: readonly unknown[]): Usage {
  const uncached = asCount(usage?.input_tokens);
  const outputTokens = asCount(usage?.output_tokens);
  if (!usage || uncached === null) return unknownUsage;
  const cachedInputTokens = asCount(usage.cache_read_input_tokens);
  const cacheWriteTokens = asCount(usage.cache_creation_input_tokens);
  const inputTokens = uncached + (cachedInputTokens ?? 0) + (cacheWriteTokens ?? 0);
  return {
    ...unknownUsage,
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    longCacheWriteTokens: asCount(asObject(usage.cache_creation)?.ephemeral_1h_input_tokens),
    outputTokens,
    reasoningTokens: asCount(asObject(usage.output_tokens_details)?.thinking_tokens),
    totalTokens: outputTokens === null ? null : inputTokens + outputTokens,
    toolCalls: readToolCalls(usage, content),
  };
}

/** Calls of Anthropic's own tools that may have fees. */
function readToolCalls(usage: Body, content: readonly unknown[]): readonly ToolCalls[] | null {
  const searches = asCount(asObject(usage.server_tool_use)?.web_search_requests) ?? 0;
  const executions = content.filter((value) => {
    const block = asObject(value);
    return block?.type === 'server_tool_use' && /code_execution/.test(asString(block.name) ?? '');
  }).length;
  const calls = [
    { type: 'web_search_request', count: searches },
    { type: 'code_execution', count: executions },
  ].filter(({ count }) => count > 0);
  return calls.length === 0 ? null : calls;
}

/**
 * What the price depends on beside tokens: the service tier, the fast mode, and the place of the inference. Null: nothing
 * of these. Where several models took part, it is unknown which of them had which tokens.
 */
export function readTier(usage: Body | null, model: string | null): string | null {
  const tier = asString(usage?.service_tier);
  if (tier !== null && tier !== 'standard') return tier;
  const speed = asString(usage?.speed);
  if (speed !== null && speed !== 'standard') return speed;
  const place = asString(usage?.inference_geo);
  if (place !== null && place !== 'global' && place !== 'not_available') return `inference_geo:${place}`;
  const models = asArray(usage?.iterations).map((iteration) => asString(asObject(iteration)?.model));
  return models.some((other) => other !== null && other !== model) ? 'several_models' : null;
}
