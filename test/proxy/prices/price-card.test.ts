import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  cardOfOverride,
  cardOfTable,
  feesOfOverride,
  type PriceCard,
  parseDollars,
  type TokenRates,
} from '../../../proxy/prices/price-card.ts';
import type { PriceTable } from '../../../proxy/prices/price-table.ts';

/** Dollars per million tokens, in 10^-12 dollars per token. */
const perMillion = (dollars: number) => BigInt(Math.round(dollars * 1_000_000));

/** A card that has no price but these. */
const card = (prices: Partial<PriceCard>): PriceCard => ({
  tokens: [],
  audioHour: null,
  character: null,
  images: [],
  ...prices,
});

/** Rates that all follow the price of input and the price of output, but for these. */
function rates(input: number, output: number | null, changes: Partial<TokenRates> = {}): TokenRates {
  const [inputRate, outputRate] = [perMillion(input), output === null ? null : perMillion(output)];
  return {
    aboveInputTokens: -1,
    input: inputRate,
    cachedInput: inputRate,
    cacheWrite: inputRate,
    longCacheWrite: inputRate,
    audioInput: inputRate,
    cachedAudioInput: inputRate,
    imageInput: inputRate,
    cachedImageInput: inputRate,
    output: outputRate,
    audioOutput: outputRate,
    imageOutput: outputRate,
    ...changes,
  };
}

describe('an amount of dollars as text', () => {
  const rows: readonly (readonly [text: string, pico: bigint])[] = [
    ['0', 0n],
    ['0.0', 0n],
    ['1', 1_000_000_000_000n],
    ['007', 7_000_000_000_000n],
    ['0.000000000001', 1n],
    ['0.0000000000019', 1n],
    ['12.5', 12_500_000_000_000n],
    ['9007199254740993.000000000001', 9_007_199_254_740_993_000_000_000_001n],
  ];
  for (const [text, pico] of rows) test(`${text} is ${pico} × 10^-12`, () => assert.equal(parseDollars(text), pico));

  test('keeps each of its first twelve places', () => {
    const places = fc.integer({ min: 0, max: 999_999_999_999 });
    fc.assert(
      fc.property(fc.nat(), places, (whole, fraction) => {
        const text = `${whole}.${String(fraction).padStart(12, '0')}`;
        assert.equal(parseDollars(text), BigInt(whole) * 10n ** 12n + BigInt(fraction));
      }),
    );
  });
});

describe('the card of an organization’s own prices', () => {
  const model = 'm';
  const rows: readonly (readonly [name: string, Parameters<typeof cardOfOverride>[0], PriceCard | undefined])[] = [
    ['does not exist where there are only tool fees', { model, toolCalls: [{ type: 't', price: '1' }] }, undefined],
    ['does not exist where there is no price', { model }, undefined],
    ['has one price for all input', { model, inputPerMillion: '2' }, card({ tokens: [rates(2, null)] })],
    [
      'has one price for all output',
      { model, inputPerMillion: '2', outputPerMillion: '3' },
      card({ tokens: [rates(2, 3)] }),
    ],
    [
      'has a price for each part of the tokens',
      {
        model,
        inputPerMillion: '1',
        cachedInputPerMillion: '2',
        cacheWritePerMillion: '3',
        longCacheWritePerMillion: '3.5',
        audioInputPerMillion: '4',
        cachedAudioInputPerMillion: '4.5',
        imageInputPerMillion: '5',
        cachedImageInputPerMillion: '5.5',
        outputPerMillion: '6',
        audioOutputPerMillion: '7',
        imageOutputPerMillion: '8',
      },
      card({
        tokens: [
          rates(1, 6, {
            cachedInput: perMillion(2),
            cacheWrite: perMillion(3),
            longCacheWrite: perMillion(3.5),
            audioInput: perMillion(4),
            cachedAudioInput: perMillion(4.5),
            imageInput: perMillion(5),
            cachedImageInput: perMillion(5.5),
            audioOutput: perMillion(7),
            imageOutput: perMillion(8),
          }),
        ],
      }),
    ],
    [
      'is free where the prices are 0',
      { model, inputPerMillion: '0', outputPerMillion: '0.00' },
      card({ tokens: [rates(0, 0)] }),
    ],
    ['has the price of an hour of audio', { model, audioPerMinute: '0.006' }, card({ audioHour: 360_000_000_000n })],
    ['has the price of a character', { model, charactersPerMillion: '15' }, card({ character: 15_000_000n })],
    [
      'has the prices of images in their order',
      {
        model,
        images: [{ size: '1024x1024', quality: 'hd', price: '0.08' }, { price: '0.04' }],
      },
      card({
        images: [
          { size: '1024x1024', quality: 'hd', image: 80_000_000_000n },
          { size: undefined, quality: undefined, image: 40_000_000_000n },
        ],
      }),
    ],
    ['has no images where the list is empty', { model, images: [] }, card({})],
  ];
  for (const [name, override, expected] of rows) {
    test(name, () => assert.deepEqual(cardOfOverride(override), expected));
  }
});

test('an organization’s own tool fees are in 10^-12 dollars per call, by type', () => {
  const toolCalls = [
    { type: 'web_search', price: '0.01' },
    { type: 'toString', price: '0' },
  ];
  assert.deepEqual(
    [...feesOfOverride({ model: 'm', toolCalls })],
    [
      ['web_search', 10_000_000_000n],
      ['toString', 0n],
    ],
  );
  assert.equal(feesOfOverride({ model: 'm' }).size, 0);
});

describe('the card of a model in a public price list', () => {
  const tiered = {
    input_mtok: {
      base: 1,
      tiers: [
        { start: 100, price: 2 },
        { start: 300, price: 4 },
      ],
    },
    cache_read_mtok: 0.1,
    output_mtok: { base: 8, tiers: [{ start: 200, price: 9 }] },
  };
  const table: PriceTable = {
    list: [
      { models: ['plain', 'alias'], prices: [{ rates: { input_mtok: 2.5, output_mtok: 10 } }] },
      { models: ['embedding'], prices: [{ rates: { input_mtok: 0.02 } }] },
      { models: ['tiered'], prices: [{ rates: tiered }] },
      { models: ['minutes'], prices: [{ rates: { audio_hours: 0.36 } }] },
      { models: ['unpriced'], prices: [{ rates: {} }] },
      { models: ['only output'], prices: [{ rates: { output_mtok: 1 } }] },
      {
        models: ['dated'],
        prices: [
          { rates: { input_mtok: 1 } },
          { from: '2000-01-01', rates: { input_mtok: 2 } },
          { from: '2999-01-01', rates: { input_mtok: 3 } },
        ],
      },
      { models: ['imprecise'], prices: [{ rates: { input_mtok: 0.1 + 0.2 } }] },
      {
        models: ['media'],
        prices: [{ rates: { input_mtok: 1, input_audio_mtok: 2, output_mtok: 3, output_image_mtok: 4 } }],
      },
    ],
  };
  const rows: readonly (readonly [name: string, model: string, PriceCard | null])[] = [
    ['has its prices', 'plain', card({ tokens: [rates(2.5, 10)] })],
    ['has the prices of its other name', 'alias', card({ tokens: [rates(2.5, 10)] })],
    ['has no price for output where the list has none', 'embedding', card({ tokens: [rates(0.02, null)] })],
    ['has the price of an hour of audio', 'minutes', card({ audioHour: 360_000_000_000n })],
    ['does not exist where the list has no price', 'unpriced', null],
    ['does not exist where input has no price', 'only output', null],
    ['does not exist where the list does not name the model', 'nobody’s', null],
    ['does not exist for a name in another case', 'PLAIN', null],
    ['has the prices of today', 'dated', card({ tokens: [rates(2, null)] })],
    ['has prices to the sixth place', 'imprecise', card({ tokens: [rates(0.3, null)] })],
    [
      'has the prices of media, and those of text for the other media',
      'media',
      card({
        tokens: [
          rates(1, 3, { audioInput: perMillion(2), cachedAudioInput: perMillion(2), imageOutput: perMillion(4) }),
        ],
      }),
    ],
    [
      'has all prices at each threshold, the highest threshold first',
      'tiered',
      card({
        tokens: [
          rates(4, 9, { aboveInputTokens: 300, cachedInput: perMillion(0.1) }),
          rates(2, 9, { aboveInputTokens: 200, cachedInput: perMillion(0.1) }),
          rates(2, 8, { aboveInputTokens: 100, cachedInput: perMillion(0.1) }),
          rates(1, 8, { cachedInput: perMillion(0.1) }),
        ],
      }),
    ],
  ];
  for (const [name, model, expected] of rows) {
    test(name, () => assert.deepEqual(cardOfTable('list', model, table), expected));
  }

  test('does not exist in a list that nobody has', () => {
    for (const list of ['other', '']) assert.equal(cardOfTable(list, 'plain', table), null);
  });
});
