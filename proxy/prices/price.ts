import { LRUCache } from 'lru-cache';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { Usage } from '../providers/usage.ts';
import {
  cardOfOverride,
  cardOfTable,
  feesOfOverride,
  formatDollars,
  type PriceCard,
  parseDollars,
  type TokenRates,
} from './price-card.ts';
import { type PriceTable, priceLists } from './price-table.ts';
import { costOfToolCalls } from './tool-fees.ts';

/**
 * The cost of a call in US dollars, as an exact decimal string with at most 12 places. Null: no price is known, which
 * is not the same as free.
 *
 * @param provider the name of the provider that was asked
 */
export type Price = (provider: string, model: string | null, usage: Usage, serviceTier: string | null) => string | null;

/** Prices in the table may change at a date. Noticing that within an hour is enough. */
const tableLifetimeMs = 3_600_000;

/**
 * Makes the price list of an organization: its own prices first, then the public price list of the provider that was
 * asked, by exact model id. Batches cost half of the public list's prices. Other tiers except the default are unpriced,
 * since their prices differ. The organization's own prices apply to every provider and every tier.
 *
 * @param lists the name of the public price list of each provider
 * @see https://platform.openai.com/docs/guides/batch
 */
export function makePrice(
  overrides: OrganizationSpec['prices'],
  lists: ReadonlyMap<string, string>,
  table?: PriceTable,
): Price {
  const own = new Map((overrides ?? []).map((override) => [override.model, cardOfOverride(override)]));
  const ownFees = new Map((overrides ?? []).map((override) => [override.model, feesOfOverride(override)]));
  const listed = new Map([...lists].map(([provider, list]) => [provider, makeList(list, table)]));
  return (provider, model, usage, serviceTier) => {
    if (model === null) return null;
    const override = own.get(model);
    const isStandard = serviceTier === null || serviceTier === 'default' || override !== undefined;
    if (!isStandard && serviceTier !== 'batch') return null;
    const list = listed.get(provider);
    const card = override ?? list?.cardOf(model);
    if (!card) return null;
    const cost = costOfTokens(card, usage) ?? costOfUnits(card, usage);
    const fees = costOfToolCalls(list?.name, model, usage.toolCalls, ownFees.get(model));
    if (cost === null || fees === null) return null;
    if (isStandard) return formatDollars(cost + fees);
    // It is unknown whether tools are cheaper in a batch, so such a call is unpriced.
    return fees === 0n ? formatDollars((cost + 1n) / 2n) : null;
  };
}

/** A public price list that remembers what it found. */
function makeList(name: string, table: PriceTable | undefined) {
  const known = new LRUCache<string, { card: PriceCard | null }>({ max: 1_000, ttl: tableLifetimeMs });
  return {
    name,
    cardOf(model: string): PriceCard | null {
      const cached = known.get(model);
      if (cached) return cached.card;
      const card = cardOfTable(name, model, table);
      known.set(model, { card });
      return card;
    },
  };
}

/** The sum of two costs, exactly. */
export function addCosts(one: string, other: string): string {
  return formatDollars(parseDollars(one) + parseDollars(other));
}

/** Whether any public price list has a price for the model. */
export function isPricedModel(model: string): boolean {
  return Object.keys(priceLists).some((list) => cardOfTable(list, model) !== null);
}

function costOfTokens(card: PriceCard, usage: Usage): bigint | null {
  const { inputTokens, outputTokens, totalTokens } = usage;
  if (inputTokens === null || outputTokens === null) return null;
  // Then some tokens are of an unknown kind, or a figure is wrong.
  if (totalTokens !== null && inputTokens + outputTokens !== totalTokens) return null;
  const rates = card.tokens.find((tier) => inputTokens > tier.aboveInputTokens);
  if (!rates) return null;
  const input = costOfInput(rates, inputTokens, usage);
  const output = costOfOutput(rates, outputTokens, usage);
  return input === null || output === null ? null : input + output;
}

/** input = text, audio and images, each with a part read from the cache, + text written to the cache. */
function costOfInput(rates: TokenRates, input: number, usage: Usage): bigint | null {
  const cached = Math.min(usage.cachedInputTokens ?? 0, input);
  const written = Math.min(usage.cacheWriteTokens ?? 0, input - cached);
  const writtenLong = Math.min(usage.longCacheWriteTokens ?? 0, written);
  const audio = Math.min(usage.inputAudioTokens ?? 0, input);
  const images = Math.min(usage.inputImageTokens ?? 0, input - audio);
  const { cachedAudioTokens, cachedImageTokens } = usage;
  const tellsCached = cachedAudioTokens !== null && cachedImageTokens !== null;
  // Cached audio has another price, and most providers do not report which tokens were cached.
  if (audio + images > 0 && (written > 0 || (cached > 0 && !tellsCached))) return null;
  const cachedAudio = Math.min(cachedAudioTokens ?? 0, cached, audio);
  const cachedImages = Math.min(cachedImageTokens ?? 0, cached - cachedAudio, images);
  const cachedText = cached - cachedAudio - cachedImages;
  const text = input - written - audio - images - cachedText;
  // Then the parts are more than the whole.
  if (text < 0) return null;
  return (
    times(text, rates.input) +
    times(cachedText, rates.cachedInput) +
    times(written - writtenLong, rates.cacheWrite) +
    times(writtenLong, rates.longCacheWrite) +
    times(audio - cachedAudio, rates.audioInput) +
    times(cachedAudio, rates.cachedAudioInput) +
    times(images - cachedImages, rates.imageInput) +
    times(cachedImages, rates.cachedImageInput)
  );
}

/** output = text + audio + images; reasoning tokens are part of the text. */
function costOfOutput(rates: TokenRates, output: number, usage: Usage): bigint | null {
  if (output === 0) return 0n;
  if (rates.output === null) return null;
  const audio = Math.min(usage.outputAudioTokens ?? 0, output);
  const images = Math.min(usage.outputImageTokens ?? 0, output - audio);
  return (
    times(output - audio - images, rates.output) +
    times(audio, rates.audioOutput ?? rates.output) +
    times(images, rates.imageOutput ?? rates.output)
  );
}

/** Avoids BigInt work for 0, since most calls have few kinds of tokens. */
function times(count: number, rate: bigint): bigint {
  return count === 0 ? 0n : BigInt(count) * rate;
}

const msPerHour = 3_600_000n;

/** The cost where the bill is not by tokens: from the unit that the call reports and the model has a price for. */
function costOfUnits(card: PriceCard, usage: Usage): bigint | null {
  const { audioSeconds, characters, images, imageSize, imageQuality } = usage;
  if (audioSeconds !== null && card.audioHour !== null) {
    const timesHour = BigInt(Math.round(audioSeconds * 1_000)) * card.audioHour;
    return (timesHour + msPerHour / 2n) / msPerHour;
  }
  if (characters !== null && card.character !== null) return BigInt(characters) * card.character;
  const rate = card.images.find(
    ({ size, quality }) => (size ?? imageSize) === imageSize && (quality ?? imageQuality) === imageQuality,
  );
  return images !== null && rate ? BigInt(images) * rate.image : null;
}
