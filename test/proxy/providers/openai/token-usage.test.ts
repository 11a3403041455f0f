import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  dialects,
  readLaterUsage,
  readTokenUsage,
  unitsBesideTokens,
} from '../../../../proxy/providers/openai/token-usage.ts';
import { type Usage, unknownUsage } from '../../../../proxy/providers/usage.ts';

const table: readonly (readonly [string, object, Partial<Usage>])[] = [
  [
    'OpenAI, chat',
    {
      prompt_tokens: 20,
      completion_tokens: 7,
      total_tokens: 27,
      prompt_tokens_details: { cached_tokens: 16, cache_write_tokens: 4, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 5 },
    },
    {
      inputTokens: 20,
      cachedInputTokens: 16,
      cacheWriteTokens: 4,
      outputTokens: 7,
      reasoningTokens: 3,
      totalTokens: 27,
      inputAudioTokens: 0,
      outputAudioTokens: 5,
    },
  ],
  [
    'OpenAI, responses',
    {
      input_tokens: 20,
      input_tokens_details: { cached_tokens: 16, cache_write_tokens: 4 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 3 },
      total_tokens: 27,
    },
    {
      inputTokens: 20,
      cachedInputTokens: 16,
      cacheWriteTokens: 4,
      outputTokens: 7,
      reasoningTokens: 3,
      totalTokens: 27,
    },
  ],
  [
    'OpenAI, transcriptions',
    { input_tokens: 14, input_token_details: { audio_tokens: 10 }, output_tokens: 3, total_tokens: 17 },
    { inputTokens: 14, inputAudioTokens: 10, outputTokens: 3, totalTokens: 17 },
  ],
  [
    'DeepSeek',
    { prompt_tokens: 10_000, completion_tokens: 10, prompt_cache_hit_tokens: 9_984, prompt_cache_miss_tokens: 16 },
    { inputTokens: 10_000, cachedInputTokens: 9_984, outputTokens: 10, totalTokens: 10_010 },
  ],
  [
    'Moonshot',
    { prompt_tokens: 10_000, completion_tokens: 10, total_tokens: 10_010, cached_tokens: 9_984 },
    { inputTokens: 10_000, cachedInputTokens: 9_984, outputTokens: 10, totalTokens: 10_010 },
  ],
  [
    'Moonshot, whose details are of an older form',
    { prompt_tokens: 19, completion_tokens: 1, cached_tokens: 10, prompt_tokens_details: { cached_tokens: 0 } },
    { inputTokens: 19, cachedInputTokens: 10, outputTokens: 1, totalTokens: 20 },
  ],
  [
    'Mistral',
    { prompt_tokens: 801, completion_tokens: 2, total_tokens: 803, num_cached_tokens: 768 },
    { inputTokens: 801, cachedInputTokens: 768, outputTokens: 2, totalTokens: 803 },
  ],
  [
    'Mistral, in its other spelling',
    { prompt_tokens: 801, completion_tokens: 2, prompt_token_details: { cached_tokens: 768 } },
    { inputTokens: 801, cachedInputTokens: 768, outputTokens: 2, totalTokens: 803 },
  ],
  [
    'xAI: reasoning beside the output',
    {
      prompt_tokens: 12,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens: 2,
      completion_tokens_details: { reasoning_tokens: 317 },
      total_tokens: 331,
    },
    { inputTokens: 12, cachedInputTokens: 4, outputTokens: 319, reasoningTokens: 317, totalTokens: 331 },
  ],
  [
    'Gemini: nothing but thoughts',
    {
      prompt_tokens: 21,
      completion_tokens: 0,
      completion_tokens_details: { reasoning_tokens: 60 },
      total_tokens: 81,
    },
    { inputTokens: 21, outputTokens: 60, reasoningTokens: 60, totalTokens: 81 },
  ],
  [
    'reasoning beside the output, without a total',
    { prompt_tokens: 12, completion_tokens: 2, reasoning_tokens: 317 },
    { inputTokens: 12, outputTokens: 319, reasoningTokens: 317, totalTokens: 331 },
  ],
  [
    'Anthropic: the cache beside the input',
    {
      input_tokens: 10,
      output_tokens: 5,
      cache_read_input_tokens: 900,
      cache_creation_input_tokens: 100,
    },
    { inputTokens: 1_010, cachedInputTokens: 900, cacheWriteTokens: 100, outputTokens: 5, totalTokens: 1_015 },
  ],
  [
    'a gateway to Anthropic: the cache in the input',
    {
      prompt_tokens: 1_010,
      completion_tokens: 5,
      total_tokens: 1_015,
      cache_read_input_tokens: 900,
      prompt_tokens_details: { cache_creation_tokens: 100 },
    },
    { inputTokens: 1_010, cachedInputTokens: 900, cacheWriteTokens: 100, outputTokens: 5, totalTokens: 1_015 },
  ],
  [
    'cache and reasoning beside the rest',
    {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 1_045,
      cache_read_input_tokens: 1_000,
      completion_tokens_details: { reasoning_tokens: 30 },
    },
    { inputTokens: 1_010, cachedInputTokens: 1_000, outputTokens: 35, reasoningTokens: 30, totalTokens: 1_045 },
  ],
  ['Ollama', { prompt_eval_count: 26, eval_count: 298 }, { inputTokens: 26, outputTokens: 298, totalTokens: 324 }],
  [
    'what nobody can explain stays as it was told',
    { prompt_tokens: 20, completion_tokens: 424, total_tokens: 1_016 },
    { inputTokens: 20, outputTokens: 424, totalTokens: 1_016 },
  ],
  [
    'Perplexity: searches',
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, num_search_queries: 4, citation_tokens: 0 },
    { inputTokens: 1, outputTokens: 2, totalTokens: 3, toolCalls: [{ type: 'search_query', count: 4 }] },
  ],
  [
    'xAI: sources',
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, num_sources_used: 0 },
    { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
  ],
];

describe('the usage of', () => {
  for (const [of, usage, expected] of table) {
    test(of, () => assert.deepEqual(readTokenUsage(usage), { ...unknownUsage, ...expected }));
  }
  for (const { of, counts } of dialects) {
    for (const [count, path] of Object.entries(counts)) {
      test(`${of}: ${path} is read`, () => {
        const [outer = '', inner] = path.split('.');
        const usage = { [outer]: inner === undefined ? 7 : { [inner]: 7 } };
        assert.equal(readTokenUsage(usage)[count as keyof Usage], 7);
      });
    }
  }
  for (const { of, type, field } of unitsBesideTokens) {
    test(`${of}: ${field} is read`, () => {
      const [outer = '', inner] = field.split('.');
      const usage = { [outer]: inner === undefined ? 7 : { [inner]: 7 } };
      assert.deepEqual(readTokenUsage(usage).toolCalls, [{ type, count: 7 }]);
    });
  }
  test('nobody', () => {
    for (const value of [null, undefined, 'x', [], 7]) assert.equal(readTokenUsage(value), unknownUsage);
  });
});

const real = { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 };
const streams: readonly (readonly [string, readonly unknown[], number | null])[] = [
  ['counted up with every chunk', [{ prompt_tokens: 11, completion_tokens: 1, total_tokens: 12 }, real], 14],
  ['followed by an empty one', [real, {}], 14],
  ['followed by none', [real, null], 14],
  ['followed by zeros', [real, { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }], 14],
  ['told in parts', [{ input_tokens: 11, output_tokens: 1 }, { output_tokens: 3 }], 14],
  ['zero throughout', [{ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }], 0],
  ['never told', [{}, null], null],
];
for (const [how, told, total] of streams) {
  test(`the usage of a stream, ${how}`, () => {
    const usage = told.reduce<Usage>(readLaterUsage, unknownUsage);
    assert.equal(usage.totalTokens, total);
    if (total === 14) assert.deepEqual([usage.inputTokens, usage.outputTokens], [11, 3]);
  });
}

test('reading the same events twice changes nothing', () => {
  const count = fc.option(fc.nat(1_000), { nil: undefined });
  const usages = fc.record({
    prompt_tokens: count,
    completion_tokens: count,
    total_tokens: count,
    cached_tokens: count,
    reasoning_tokens: count,
  });
  fc.assert(
    fc.property(usages, (usage) => {
      const once = readTokenUsage(usage);
      assert.deepEqual(readLaterUsage(once, usage), once);
    }),
  );
});
