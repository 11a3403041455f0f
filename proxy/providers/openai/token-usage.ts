import { asCount, asObject, type Body } from '../json.ts';
import { type ToolCalls, type Usage, unknownUsage } from '../usage.ts';

/** The counts of tokens. */
type TokenCount =
  | 'inputTokens'
  | 'cachedInputTokens'
  | 'cacheWriteTokens'
  | 'longCacheWriteTokens'
  | 'outputTokens'
  | 'reasoningTokens'
  | 'totalTokens'
  | 'inputAudioTokens'
  | 'outputAudioTokens';

/** A dialect of `usage`: the field of each count, with a dot where it is in a nested object. */
interface Dialect {
  readonly of: string;
  readonly counts: Readonly<Partial<Record<TokenCount, string>>>;
}

/** All dialects. Providers mix them, so every usage is searched for all of them. */
export const dialects: readonly Dialect[] = [
  {
    of: 'OpenAI chat completions, and most others',
    counts: {
      inputTokens: 'prompt_tokens',
      cachedInputTokens: 'prompt_tokens_details.cached_tokens',
      cacheWriteTokens: 'prompt_tokens_details.cache_write_tokens',
      outputTokens: 'completion_tokens',
      reasoningTokens: 'completion_tokens_details.reasoning_tokens',
      totalTokens: 'total_tokens',
      inputAudioTokens: 'prompt_tokens_details.audio_tokens',
      outputAudioTokens: 'completion_tokens_details.audio_tokens',
    },
  },
  {
    of: 'OpenAI responses, batches, images and audio',
    counts: {
      inputTokens: 'input_tokens',
      cachedInputTokens: 'input_tokens_details.cached_tokens',
      cacheWriteTokens: 'input_tokens_details.cache_write_tokens',
      outputTokens: 'output_tokens',
      reasoningTokens: 'output_tokens_details.reasoning_tokens',
    },
  },
  { of: 'OpenAI transcriptions', counts: { inputAudioTokens: 'input_token_details.audio_tokens' } },
  { of: 'DeepSeek', counts: { cachedInputTokens: 'prompt_cache_hit_tokens' } },
  { of: 'Moonshot, Together', counts: { cachedInputTokens: 'cached_tokens' } },
  { of: 'Mistral', counts: { cachedInputTokens: 'num_cached_tokens' } },
  { of: 'Mistral, in its other spelling', counts: { cachedInputTokens: 'prompt_token_details.cached_tokens' } },
  {
    of: 'gateways to Anthropic',
    counts: {
      cachedInputTokens: 'cache_read_input_tokens',
      cacheWriteTokens: 'cache_creation_input_tokens',
      longCacheWriteTokens: 'cache_creation.ephemeral_1h_input_tokens',
    },
  },
  { of: 'LiteLLM', counts: { cacheWriteTokens: 'prompt_tokens_details.cache_creation_tokens' } },
  { of: 'xAI and Perplexity, beside the details', counts: { reasoningTokens: 'reasoning_tokens' } },
  { of: 'Ollama', counts: { inputTokens: 'prompt_eval_count', outputTokens: 'eval_count' } },
];

/** Units in `usage` that providers bill in addition to tokens. */
export const unitsBesideTokens: readonly { readonly of: string; readonly type: string; readonly field: string }[] = [
  { of: 'Perplexity', type: 'search_query', field: 'num_search_queries' },
  { of: 'Perplexity', type: 'citation_token', field: 'citation_tokens' },
  { of: 'xAI', type: 'search_source', field: 'num_sources_used' },
  { of: 'xAI', type: 'server_side_tool', field: 'num_server_side_tools_used' },
  { of: 'Anthropic', type: 'web_search_request', field: 'server_tool_use.web_search_requests' },
];

interface Place {
  /** The object within the usage; undefined: the usage itself. */
  readonly within: string | undefined;
  readonly field: string;
}

function placeOf(path: string): Place {
  const dot = path.indexOf('.');
  return dot === -1 ? { within: undefined, field: path } : { within: path.slice(0, dot), field: path.slice(dot + 1) };
}

const places = dialects.flatMap(({ counts }) =>
  (Object.entries(counts) as [TokenCount, string][]).map(([count, path]) => ({ count, ...placeOf(path) })),
);
const unitPlaces = unitsBesideTokens.map(({ type, field }) => ({ type, ...placeOf(field) }));

/** Places by the object that they are in, so that an absent object is looked for once. */
function byObject<P extends Place>(all: readonly P[]): readonly (readonly [within: string | undefined, places: P[]])[] {
  return [...Map.groupBy(all, ({ within }) => within)];
}

const countsByObject = byObject(places);
const unitsByObject = byObject(unitPlaces);

/** Counts that a usage has only once. Of any other count, the largest reported value is used. */
const wholes: ReadonlySet<TokenCount> = new Set(['inputTokens', 'outputTokens', 'totalTokens']);

/** Reads `usage` in any dialect. */
export function readTokenUsage(value: unknown): Usage {
  const usage = asObject(value);
  if (!usage) return unknownUsage;
  const read: { -readonly [Field in keyof Usage]: Usage[Field] } = { ...unknownUsage };
  for (const [within, group] of countsByObject) {
    const object = within === undefined ? usage : asObject(usage[within]);
    if (!object) continue;
    for (const { count, field } of group) {
      const found = asCount(object[field]);
      const known = read[count];
      if (found !== null && (known === null || (found > known && !wholes.has(count)))) read[count] = found;
    }
  }
  read.toolCalls = unitsOf(usage);
  return reconcile(read);
}

function unitsOf(usage: Body): Usage['toolCalls'] {
  let units: ToolCalls[] | null = null;
  for (const [within, group] of unitsByObject) {
    const object = within === undefined ? usage : asObject(usage[within]);
    if (!object) continue;
    for (const { type, field } of group) {
      const count = asCount(object[field]);
      if (count === null || count === 0) continue;
      units ??= [];
      units.push({ type, count });
    }
  }
  return units;
}

/** Joins two lists of tool calls. Null where both are empty. */
export function addToolCalls(one: readonly ToolCalls[] | null, other: readonly ToolCalls[]): Usage['toolCalls'] {
  const used = other.filter(({ count }) => count > 0);
  return used.length === 0 ? one : [...(one ?? []), ...used];
}

/**
 * Converts counts to OpenAI's form, in which reasoning is part of the output, and cached tokens are part of the input.
 * The total shows which providers count them in addition: xAI and Gemini the reasoning, Anthropic the cache.
 */
function reconcile(usage: Usage): Usage {
  const { inputTokens: input, outputTokens: output, totalTokens: total } = usage;
  if (input === null || output === null) return usage;
  const reasoning = usage.reasoningTokens ?? 0;
  const cache = (usage.cachedInputTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
  // Without a total, only a count that exceeds the whole is known not to be a part of it.
  const sum = total ?? input + output + (reasoning > output ? reasoning : 0) + (cache > input ? cache : 0);
  const missing = sum - input - output;
  const known = sum === total ? usage : { ...usage, totalTokens: sum };
  if (missing === 0) return known;
  if (missing === reasoning) return { ...known, outputTokens: output + reasoning };
  if (missing === cache) return { ...known, inputTokens: input + cache };
  if (missing !== reasoning + cache) return known;
  return { ...known, inputTokens: input + cache, outputTokens: output + reasoning };
}

/** Merges repeated usage reports of a stream: the last report counts, and fills its gaps from earlier ones. */
export function readLaterUsage(earlier: Usage, value: unknown): Usage {
  const later = readTokenUsage(value);
  if (earlier === unknownUsage) return later;
  const { inputTokens, outputTokens, totalTokens } = later;
  if (!inputTokens && !outputTokens && !totalTokens) return earlier;
  const merged = { ...earlier };
  for (const [field, count] of Object.entries(later)) if (count !== null) Object.assign(merged, { [field]: count });
  return reconcile({ ...merged, totalTokens });
}
