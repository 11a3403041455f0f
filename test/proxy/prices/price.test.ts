import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calcPrice, findProvider, type MatchLogic } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { isPricedModel, makePrice } from '../../../proxy/prices/price.ts';
import { priceTable } from '../../../proxy/prices/price-table.generated.ts';
import { type Usage, unknownUsage } from '../../../proxy/providers/usage.ts';

const lists = new Map([['openai', 'openai']]);

/** The price of a call of OpenAI. */
function makeOpenAiPrice(overrides: Parameters<typeof makePrice>[0]) {
  const price = makePrice(overrides, lists);
  return (model: string | null, used: Usage, serviceTier: string | null) => price('openai', model, used, serviceTier);
}

const price = makeOpenAiPrice(undefined);

function usage(inputTokens: number | null, outputTokens: number | null, changes: Partial<Usage> = {}): Usage {
  return { ...unknownUsage, inputTokens, outputTokens, ...changes };
}

const million = 1_000_000;

const calls: readonly (readonly [string, string | null, Usage, string | null, string | null])[] = [
  ['input and output', 'gpt-4o', usage(1_000, 100), null, '0.0035'],
  ['a whole number', 'gpt-4o', usage(million, 0), 'default', '2.5'],
  ['many dollars', 'gpt-4o', usage(4 * million, million), null, '20'],
  ['nothing used', 'gpt-4o', usage(0, 0), null, '0'],
  ['the smaller model by its own price', 'gpt-4o-mini', usage(million, million), null, '0.75'],
  ['a dated model', 'gpt-4o-2024-08-06', usage(million, 0), null, '2.5'],
  ['cached input', 'gpt-4o', usage(1_000, 0, { cachedInputTokens: 600 }), null, '0.00175'],
  ['more cached than there is', 'gpt-4o', usage(100, 0, { cachedInputTokens: 200 }), null, '0.000125'],
  ['reasoning is part of the output', 'o3-mini', usage(0, million, { reasoningTokens: 900_000 }), null, '4.4'],
  ['an embedding', 'text-embedding-3-small', usage(million, 0), null, '0.02'],
  ['an embedding without output', 'text-embedding-3-small', usage(7, 0), null, '0.00000014'],
  ['below a tier', 'gpt-5.5', usage(271_999, 0), null, '1.359995'],
  ['above a tier, for the whole call', 'gpt-5.5', usage(272_000, 0), null, '2.72'],
  ['an unknown model', 'my-model', usage(1, 1), null, null],
  ['a longer name', 'gpt-4o-nonesuch', usage(1, 1), null, null],
  ['another case', 'GPT-4O', usage(1, 1), null, null],
  ['an empty name', '', usage(1, 1), null, null],
  ['a property of every object', 'constructor', usage(1, 1), null, null],
  ['no model', null, usage(1, 1), null, null],
  ['a model billed by the minute', 'whisper-1', usage(1, 1), null, null],
  ['a model that is billed by something unknown', 'omni-moderation-latest', usage(1, 1), null, null],
  ['the same model with a length', 'whisper-1', { ...unknownUsage, audioSeconds: 90 }, null, '0.009'],
  ['a fraction of a second', 'whisper-1', { ...unknownUsage, audioSeconds: 0.25 }, null, '0.000025'],
  ['characters of a model that the table does not know', 'tts-1', { ...unknownUsage, characters: 9 }, null, null],
  ['images of a model that the table does not know', 'dall-e-3', { ...unknownUsage, images: 1 }, null, null],
  ['seconds of a model that is billed by tokens', 'gpt-4o', { ...unknownUsage, audioSeconds: 9 }, null, null],
  ['audio input', 'gpt-4o-transcribe', usage(1_000, 100, { inputAudioTokens: 900 }), null, '0.00665'],
  ['audio output', 'gpt-audio', usage(100, 1_000, { outputAudioTokens: 900 }), null, '0.05885'],
  ['an image', 'gpt-image-1', usage(50, 1_056, { outputImageTokens: 1_056, images: 1 }), null, '0.04249'],
  ['edited images', 'gpt-image-1', usage(650, 272, { inputImageTokens: 600 }), null, '0.01713'],
  [
    'images and text',
    'gpt-image-1.5',
    usage(1_000, 200, { inputImageTokens: 900, outputImageTokens: 100 }),
    null,
    '0.0119',
  ],
  [
    'audio that is partly cached',
    'gpt-audio',
    usage(1_000, 0, { inputAudioTokens: 900, cachedInputTokens: 1 }),
    null,
    null,
  ],
  [
    'every kind of token, each partly cached',
    'gpt-realtime',
    usage(1_000, 300, {
      ...{ inputAudioTokens: 600, inputImageTokens: 100, outputAudioTokens: 200 },
      ...{ cachedInputTokens: 400, cachedAudioTokens: 300, cachedImageTokens: 50 },
    }),
    null,
    '0.025415',
  ],
  [
    'cached text beside audio',
    'gpt-realtime',
    usage(100, 0, { inputAudioTokens: 50, cachedInputTokens: 50, cachedAudioTokens: 0, cachedImageTokens: 0 }),
    null,
    '0.00162',
  ],
  [
    'more cached text than there is text',
    'gpt-realtime',
    usage(100, 0, { inputAudioTokens: 60, cachedInputTokens: 50, cachedAudioTokens: 0, cachedImageTokens: 0 }),
    null,
    null,
  ],
  ['more audio than there is', 'gpt-4o-transcribe', usage(100, 0, { inputAudioTokens: 900 }), null, '0.0006'],
  ['unknown input', 'gpt-4o', usage(null, 1), null, null],
  ['unknown output', 'gpt-4o', usage(1, null), null, null],
  ['a tier of service with other prices', 'gpt-4o', usage(1, 1), 'priority', null],
  ['a call of a batch', 'gpt-4o', usage(1_000, 100, { cachedInputTokens: 600 }), 'batch', '0.001375'],
  ['parts that are less than the total', 'gpt-4o', usage(20, 424, { totalTokens: 1_016 }), null, null],
  ['parts that are the total', 'gpt-4o', usage(1_000, 100, { totalTokens: 1_100 }), null, '0.0035'],
  ['a call of a batch, of an unknown model', 'my-model', usage(1, 1), 'batch', null],
];
for (const [what, model, used, serviceTier, expected] of calls) {
  test(`the price of ${what} is ${expected ?? 'unknown'}`, () => {
    assert.equal(price(model, used, serviceTier), expected);
  });
}

const tools = (type: string, count: number) => usage(0, 0, { toolCalls: [{ type, count }] });
const fees: readonly (readonly [string, string, Usage, string | null, string | null])[] = [
  ['two searches', 'gpt-4o', tools('web_search', 2), null, '0.02'],
  ['two searches of a dated model', 'gpt-4o-2024-08-06', tools('web_search', 2), null, '0.02'],
  ['two searches by the preview', 'gpt-4o-mini', tools('web_search_preview', 2), null, '0.05'],
  ['two searches by the preview, reasoning', 'o3-mini', tools('web_search_preview', 2), null, '0.02'],
  ['a search that is billed by additional tokens', 'gpt-4o-mini', tools('web_search', 1), null, null],
  ['a search by an unknown tool type', 'gpt-4o', tools('web_search_call', 1), null, null],
  ['a search by a model without that tool', 'gpt-5-chat-latest', tools('web_search_preview', 1), null, null],
  ['a search of files', 'gpt-4o', tools('file_search', 3), 'default', '0.0075'],
  ['a search in a batch', 'gpt-4o', tools('file_search', 3), 'batch', null],
  ['a container', 'gpt-4o', tools('code_interpreter', 1), null, null],
  ['an image of a tool', 'gpt-4o', tools('image_generation', 1), null, null],
  ['a tool of the future', 'gpt-4o', tools('new', 1), null, null],
  ['a model that searches', 'gpt-4o-search-preview', usage(1_000, 100), null, '0.0285'],
  ['a model that searches without saying how often', 'gpt-5-search-api', usage(1, 1), null, null],
];
for (const [what, model, used, serviceTier, expected] of fees) {
  test(`the fee of ${what} is ${expected ?? 'unknown'}`, () => {
    assert.equal(price(model, used, serviceTier), expected);
  });
}

test('an organization’s own fees take precedence, and the table’s prices stay where it states none', () => {
  const own = makeOpenAiPrice([
    { model: 'gpt-4o', toolCalls: [{ type: 'code_interpreter', price: '0.03' }] },
    {
      model: 'in-house',
      inputPerMillion: '1',
      outputPerMillion: '1',
      toolCalls: [{ type: 'web_search', price: '0.001' }],
    },
  ]);
  assert.equal(own('gpt-4o', { ...tools('code_interpreter', 2), inputTokens: million }, null), '2.56');
  assert.equal(own('gpt-4o', tools('web_search', 2), null), '0.02');
  assert.equal(own('gpt-4o', usage(million, 0), 'priority'), null);
  assert.equal(own('in-house', { ...tools('web_search', 2), inputTokens: million }, 'batch'), '1.002');
  assert.equal(own('in-house', tools('file_search', 1), null), null, 'the built-in fees are of OpenAI’s models');
});

test('an organization’s own prices take precedence, exact to the last place', () => {
  const own = makeOpenAiPrice([
    { model: 'gpt-4o', inputPerMillion: '1', outputPerMillion: '0.000001', cachedInputPerMillion: '0.1' },
    { model: 'in-house', inputPerMillion: '123456789.123456', outputPerMillion: '0', cacheWritePerMillion: '2' },
  ]);
  assert.equal(own('gpt-4o', usage(million, 1), null), '1.000000000001');
  assert.equal(own('gpt-4o', usage(million, 0, { cachedInputTokens: 500_000 }), null), '0.55');
  assert.equal(own('in-house', usage(3, 5), null), '370.370367370368');
  assert.equal(own('in-house', usage(2, 0, { cacheWriteTokens: 1, cachedInputTokens: 1 }), null), '123.456791123456');
  assert.equal(own('gpt-4o', usage(million, 0), 'priority'), '1', 'a price of one’s own is for every tier of service');
  assert.equal(own('gpt-4o-mini', usage(million, 0), null), '0.15');
});

test('an organization may price by the minute, the character and the image', () => {
  const own = makeOpenAiPrice([
    { model: 'tts-1', charactersPerMillion: '15' },
    { model: 'scribe', audioPerMinute: '0.0061' },
    {
      model: 'dall-e-3',
      images: [
        { size: '1024x1024', quality: 'hd', price: '0.08' },
        { quality: 'hd', price: '0.12' },
        { size: '1024x1024', price: '0.04' },
      ],
    },
    {
      model: 'gpt-audio',
      inputPerMillion: '1',
      outputPerMillion: '2',
      audioInputPerMillion: '10',
      imageOutputPerMillion: '30',
    },
  ]);
  const images = (images: number, imageSize: string | null, imageQuality: string | null) =>
    own('dall-e-3', { ...unknownUsage, images, imageSize, imageQuality }, null);
  assert.equal(own('tts-1', { ...unknownUsage, characters: 4_096 }, null), '0.06144');
  assert.equal(own('tts-1', { ...unknownUsage, characters: 0 }, null), '0');
  assert.equal(own('tts-1', unknownUsage, null), null);
  assert.equal(own('scribe', { ...unknownUsage, audioSeconds: 1 }, null), '0.000101666667');
  assert.equal(images(2, '1024x1024', 'hd'), '0.16');
  assert.equal(images(1, '1792x1024', 'hd'), '0.12');
  assert.equal(images(1, '1024x1024', 'standard'), '0.04');
  assert.equal(images(1, '1024x1024', null), '0.04');
  assert.equal(images(1, '1792x1024', 'standard'), null);
  assert.equal(images(1, null, null), null);
  const parts = { inputAudioTokens: million, outputAudioTokens: million, outputImageTokens: million };
  assert.equal(own('gpt-audio', usage(2 * million, 3 * million, parts), null), '45');
});

test('own prices by the unit are exact, or rounded in the last place', () => {
  const decimal = fc.tuple(fc.nat(9_999), fc.nat(9_999_999_999));
  const text = ([whole, fraction]: readonly [number, number]) => `${whole}.${String(fraction).padStart(10, '0')}`;
  const pico = ([whole, fraction]: readonly [number, number]) => BigInt(whole) * 10n ** 12n + BigInt(fraction) * 100n;
  const read = (cost: string | null) => {
    const [whole = '', fraction = ''] = (cost ?? '').split('.');
    return BigInt(whole + fraction.padEnd(12, '0'));
  };
  fc.assert(
    fc.property(decimal, fc.nat(10_000_000), (rate, count) => {
      const own = makeOpenAiPrice([{ model: 'm', audioPerMinute: text(rate), images: [{ price: text(rate) }] }]);
      assert.equal(read(own('m', { ...unknownUsage, images: count }, null)), BigInt(count) * pico(rate));
      const cost = read(own('m', { ...unknownUsage, audioSeconds: count / 1_000 }, null));
      const difference = cost * 60_000n - BigInt(count) * pico(rate);
      assert.ok(difference <= 30_000n && difference >= -30_000n, `${difference}`);
    }),
  );
});

test('own prices are exact, however large the counts', () => {
  const rate = fc.tuple(fc.nat(9_999), fc.nat(999_999));
  const count = fc.integer({ min: 0, max: 2 ** 40 });
  const text = ([whole, fraction]: readonly [number, number]) => `${whole}.${String(fraction).padStart(6, '0')}`;
  const pico = ([whole, fraction]: readonly [number, number]) => BigInt(whole) * 1_000_000n + BigInt(fraction);
  fc.assert(
    fc.property(rate, rate, count, count, (input, output, inputTokens, outputTokens) => {
      const own = makeOpenAiPrice([{ model: 'm', inputPerMillion: text(input), outputPerMillion: text(output) }]);
      const [whole = '', fraction = ''] = (own('m', usage(inputTokens, outputTokens), null) ?? '').split('.');
      const expected = BigInt(inputTokens) * pico(input) + BigInt(outputTokens) * pico(output);
      assert.equal(BigInt(whole + fraction.padEnd(12, '0')), expected);
      assert.match(`${whole}.${fraction}`, /^(0|[1-9]\d*)\.(\d*[1-9])?$/);
    }),
  );
});

/** Every model id that the table names as such. */
function exactIds(match: MatchLogic): string[] {
  if ('equals' in match) return [match.equals];
  return 'or' in match ? match.or.flatMap(exactIds) : [];
}

test('every model of the table costs what the price package says', () => {
  const models = findProvider({ providerId: 'openai' })?.models.flatMap(({ match }) => exactIds(match)) ?? [];
  // Those that search have a fee besides.
  const priced = models.filter(isPricedModel).filter((model) => !model.includes('-search-'));
  assert.ok(priced.length > 150, `${priced.length} models`);
  const part = fc.oneof(fc.nat(10_000), fc.nat(300_000), fc.constantFrom(0, 1, 271_998, 271_999, 272_000, 272_001));
  const cachedOrMedia = fc.oneof(
    fc.record({ cached: part, written: part, audio: fc.constant(0), images: fc.constant(0) }),
    fc.record({ cached: fc.constant(0), written: fc.constant(0), audio: part, images: part }),
  );
  const counts = fc.record({ plain: part, media: cachedOrMedia, text: part, spoken: part, drawn: part });
  fc.assert(
    fc.property(fc.constantFrom(...priced), counts, (model, { plain, media, text, spoken, drawn }) => {
      const { cached, written, audio, images } = media;
      const input = plain + cached + written + audio + images;
      const output = text + spoken + drawn;
      const used = usage(input, output, {
        cachedInputTokens: cached,
        cacheWriteTokens: written,
        inputAudioTokens: audio,
        inputImageTokens: images,
        outputAudioTokens: spoken,
        outputImageTokens: drawn,
      });
      const actual = price(model, used, null);
      const expected = calcPrice(
        {
          input_tokens: input,
          cache_read_tokens: cached,
          cache_write_tokens: written,
          input_audio_tokens: audio,
          input_image_tokens: images,
          output_tokens: output,
          output_audio_tokens: spoken,
          output_image_tokens: drawn,
        },
        model,
        { providerId: 'openai' },
      );
      if (expected?.model_price.input_mtok === undefined) {
        assert.equal(actual, null);
        return;
      }
      const hasOutputPrice = expected?.model_price.output_mtok !== undefined;
      if (output > 0 && !hasOutputPrice) assert.equal(actual, null);
      else
        assert.ok(
          Math.abs(Number(actual) - (expected?.total_price ?? Number.NaN)) < 1e-9,
          `${actual} ${expected?.total_price}`,
        );
    }),
    { numRuns: 2_000 },
  );
});

test('a model of two providers is priced by the list of the provider that was asked', () => {
  const model = 'gpt-4o';
  const table = {
    ...priceTable,
    elsewhere: [{ models: [model], prices: [{ rates: { input_mtok: 7, output_mtok: 9 } }] }],
  };
  const providers = new Map([
    ['openai', 'openai'],
    ['second-account', 'openai'],
    ['other', 'elsewhere'],
  ]);
  const listed = makePrice(undefined, providers, table);
  const own = makePrice([{ model, inputPerMillion: '1', outputPerMillion: '1' }], providers, table);
  const searched = usage(million, 0, { toolCalls: [{ type: 'file_search', count: 1 }] });
  const costs: readonly (readonly [
    provider: string,
    listed: string | null,
    own: string | null,
    searched: string | null,
  ])[] = [
    ['openai', '2.5', '1', '2.5025'],
    ['second-account', '2.5', '1', '2.5025'],
    // The fees of OpenAI's tools are OpenAI's.
    ['other', '7', '1', null],
    // It was in the Organization when the call was made, and is no longer.
    ['gone', null, '1', null],
  ];
  for (const [provider, cost, ownCost, searchedCost] of costs) {
    assert.equal(listed(provider, model, usage(million, 0), null), cost, provider);
    assert.equal(own(provider, model, usage(million, 0), null), ownCost, provider);
    assert.equal(listed(provider, model, searched, null), searchedCost, provider);
  }
  assert.equal(listed('other', 'gpt-4o-mini', usage(million, 0), null), null);
});
