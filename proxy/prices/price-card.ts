import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { ListedRate, ListedRates } from './listed-models.ts';
import { findListedRates, type PriceTable } from './price-table.ts';

/** The prices of a model, for each unit that it may be billed by. All prices are in 10^-12 dollars. */
export interface PriceCard {
  /** Prices per token in tiers, the highest first. Empty where the model has no token price. */
  readonly tokens: readonly TokenRates[];
  readonly audioHour: bigint | null;
  readonly character: bigint | null;
  /** The first rate that fits an image is its price. */
  readonly images: readonly ImageRate[];
}

export interface TokenRates {
  /** These prices apply to calls with more input tokens than this. */
  readonly aboveInputTokens: number;
  readonly input: bigint;
  readonly cachedInput: bigint;
  readonly cacheWrite: bigint;
  readonly longCacheWrite: bigint;
  readonly audioInput: bigint;
  readonly cachedAudioInput: bigint;
  readonly imageInput: bigint;
  readonly cachedImageInput: bigint;
  /** Null where the model has no price for output, such as an embedding model. */
  readonly output: bigint | null;
  readonly audioOutput: bigint | null;
  readonly imageOutput: bigint | null;
}

export interface ImageRate {
  /** Undefined: any. */
  readonly size: string | undefined;
  readonly quality: string | undefined;
  readonly image: bigint;
}

type Override = NonNullable<OrganizationSpec['prices']>[number];

/** An organization's own prices of a model. Undefined where it states only tool fees. */
export function cardOfOverride(price: Override): PriceCard | undefined {
  const { inputPerMillion, audioPerMinute, charactersPerMillion, images } = price;
  const hasUnits = [inputPerMillion, audioPerMinute, charactersPerMillion, images].some((unit) => unit !== undefined);
  return hasUnits ? cardOfUnits(price) : undefined;
}

/** An organization's own fees of provider tools, by type, in 10^-12 dollars per call. */
export function feesOfOverride({ toolCalls = [] }: Override): ReadonlyMap<string, bigint> {
  return new Map(toolCalls.map(({ type, price }) => [type, parseDollars(price)]));
}

function cardOfUnits(price: Override): PriceCard {
  return {
    tokens: price.inputPerMillion === undefined ? [] : [tokenRatesOfOverride(price, price.inputPerMillion)],
    audioHour: price.audioPerMinute === undefined ? null : parseDollars(price.audioPerMinute) * 60n,
    character: price.charactersPerMillion === undefined ? null : parseRate(price.charactersPerMillion),
    images: (price.images ?? []).map(({ size, quality, price }) => ({ size, quality, image: parseDollars(price) })),
  };
}

function tokenRatesOfOverride(price: Override, inputPerMillion: string): TokenRates {
  const input = parseRate(inputPerMillion);
  const output = price.outputPerMillion === undefined ? null : parseRate(price.outputPerMillion);
  const either = <Fallback>(perMillion: string | undefined, fallback: Fallback) =>
    perMillion === undefined ? fallback : parseRate(perMillion);
  const audioInput = either(price.audioInputPerMillion, input);
  const imageInput = either(price.imageInputPerMillion, input);
  return {
    aboveInputTokens: -1,
    input,
    cachedInput: either(price.cachedInputPerMillion, input),
    cacheWrite: either(price.cacheWritePerMillion, input),
    longCacheWrite: either(price.longCacheWritePerMillion ?? price.cacheWritePerMillion, input),
    audioInput,
    cachedAudioInput: either(price.cachedAudioInputPerMillion, audioInput),
    imageInput,
    cachedImageInput: either(price.cachedImageInputPerMillion, imageInput),
    output,
    audioOutput: either(price.audioOutputPerMillion, output),
    imageOutput: either(price.imageOutputPerMillion, output),
  };
}

/** The prices in a public price list, by exact model id. Null where it has none. */
export function cardOfTable(list: string, model: string, table?: PriceTable): PriceCard | null {
  const rates = findListedRates(list, model, Date.now(), table);
  if (!rates) return null;
  const { input_mtok: input, audio_hours: audioHours, ...others } = rates;
  // A model without any price costs 0 in the table, which does not mean free.
  if (input === undefined && audioHours === undefined) return null;
  return {
    tokens: input === undefined ? [] : tokenRatesOfTable(input, others),
    audioHour: typeof audioHours === 'number' ? parseDollars(audioHours.toFixed(6)) : null,
    character: null,
    images: [],
  };
}

function tokenRatesOfTable(input: ListedRate, others: ListedRates): TokenRates[] {
  const thresholds = new Set([-1]);
  for (const rate of [input, ...Object.values(others)]) {
    if (typeof rate === 'object') for (const tier of rate.tiers) thresholds.add(tier.start);
  }
  const descending = [...thresholds].sort((a, b) => b - a);
  return descending.map((aboveInputTokens) => {
    const at = (rate: ListedRate) => rateAt(rate, aboveInputTokens);
    const orInput = (name: string) => at(others[name] ?? input);
    const orOutput = (name: string) => {
      const rate = others[name] ?? others.output_mtok;
      return rate === undefined ? null : at(rate);
    };
    return {
      aboveInputTokens,
      input: at(input),
      cachedInput: orInput('cache_read_mtok'),
      cacheWrite: orInput('cache_write_mtok'),
      longCacheWrite: orInput('cache_write_1h_mtok' in others ? 'cache_write_1h_mtok' : 'cache_write_mtok'),
      audioInput: orInput('input_audio_mtok'),
      cachedAudioInput: orInput('cache_audio_read_mtok' in others ? 'cache_audio_read_mtok' : 'input_audio_mtok'),
      imageInput: orInput('input_image_mtok'),
      cachedImageInput: orInput('cache_image_read_mtok' in others ? 'cache_image_read_mtok' : 'input_image_mtok'),
      output: orOutput('output_mtok'),
      audioOutput: orOutput('output_audio_mtok'),
      imageOutput: orOutput('output_image_mtok'),
    };
  });
}

/** The price just above a number of input tokens. A tier's price applies to the whole call. */
function rateAt(rate: ListedRate, aboveInputTokens: number): bigint {
  if (typeof rate === 'number') return rateOfNumber(rate);
  const tier = rate.tiers.findLast(({ start }) => start <= aboveInputTokens);
  return rateOfNumber(tier?.price ?? rate.base);
}

/** The table has decimals as floats. Six places are more than any price list has. */
function rateOfNumber(perMillion: number): bigint {
  return parseRate(perMillion.toFixed(6));
}

/** "2.50" dollars per million are 2,500,000 × 10^-12 dollars each. */
function parseRate(perMillion: string): bigint {
  return parseDecimal(perMillion, 6);
}

/** Decimal dollars as a count of 10^-12 dollars. */
export function parseDollars(dollars: string): bigint {
  return parseDecimal(dollars, 12);
}

/** A count of 10^-12 dollars as decimal dollars. */
export function formatDollars(pico: bigint): string {
  const digits = pico.toString().padStart(13, '0');
  const fraction = digits.slice(-12).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -12) : `${digits.slice(0, -12)}.${fraction}`;
}

/** A decimal as an integer of its last place. Further places are cut off. */
function parseDecimal(text: string, places: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.slice(0, places).padEnd(places, '0'));
}
