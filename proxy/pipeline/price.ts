import { calcPrice } from '@pydantic/genai-prices';
import { LRUCache } from 'lru-cache';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { Usage } from './call.ts';

/**
 * What a call costs in US dollars, as an exact decimal string with at most 12 places; null: no price is known, which is
 * not the same as free.
 */
export type Price = (model: string | null, usage: Usage, serviceTier: string | null) => string | null;

/** Prices of one model in 10^-12 dollars a token. */
interface Rates {
  /** These prices hold for calls with more input tokens than this. */
  readonly aboveInputTokens: number;
  readonly input: bigint;
  readonly cachedInput: bigint;
  readonly cacheWrite: bigint;
  /** Null where the model has no price for output, as embedding models. */
  readonly output: bigint | null;
}

/** A model's tiers, the highest first. */
type RateCard = readonly Rates[];

type Override = NonNullable<OrganizationSpec['prices']>[number];

/** The table's prices can begin at a date; an hour late is early enough. */
const tableLifetimeMs = 3_600_000;

/**
 * Makes the price list of an organization: its own prices first, then the public price table of `@pydantic/genai-prices`
 * by exact model id. A tier other than the default one is unpriced, since its prices differ.
 */
export function makePrice(overrides: readonly Override[] | undefined): Price {
  const own = new Map((overrides ?? []).map((override) => [override.model, [ratesOfOverride(override)]]));
  const table = new LRUCache<string, { card: RateCard | null }>({ max: 1_000, ttl: tableLifetimeMs });
  const cardOf = (model: string): RateCard | null => {
    const override = own.get(model);
    if (override) return override;
    const cached = table.get(model);
    if (cached) return cached.card;
    const card = cardOfTable(model);
    table.set(model, { card });
    return card;
  };
  return (model, usage, serviceTier) => {
    if (model === null || usage.inputTokens === null || usage.outputTokens === null) return null;
    if (serviceTier !== null && serviceTier !== 'default' && !own.has(model)) return null;
    const { inputTokens, outputTokens } = usage;
    const rates = cardOf(model)?.find((tier) => inputTokens > tier.aboveInputTokens);
    return rates ? costOf(rates, inputTokens, outputTokens, usage) : null;
  };
}

/** Whether the table or the organization has a price for the model. */
export function isPricedModel(model: string): boolean {
  return cardOfTable(model) !== null;
}

/** input = uncached + cached + cache writes; reasoning tokens are part of the output. */
function costOf(rates: Rates, input: number, output: number, usage: Usage): string | null {
  if (rates.output === null && output > 0) return null;
  const cached = Math.min(usage.cachedInputTokens ?? 0, input);
  const written = Math.min(usage.cacheWriteTokens ?? 0, input - cached);
  const total =
    BigInt(input - cached - written) * rates.input +
    BigInt(cached) * rates.cachedInput +
    BigInt(written) * rates.cacheWrite +
    BigInt(output) * (rates.output ?? 0n);
  return formatPico(total);
}

/** A count of 10^-12 dollars as decimal dollars. */
function formatPico(pico: bigint): string {
  const digits = pico.toString().padStart(13, '0');
  const fraction = digits.slice(-12).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -12) : `${digits.slice(0, -12)}.${fraction}`;
}

/** "2.50" dollars a million tokens are 2,500,000 × 10^-12 dollars a token. Six further places are exact. */
function parseRate(perMillion: string): bigint {
  const [whole = '0', fraction = ''] = perMillion.split('.');
  return BigInt(whole + fraction.slice(0, 6).padEnd(6, '0'));
}

function ratesOfOverride(price: Override): Rates {
  const input = parseRate(price.inputPerMillion);
  return {
    aboveInputTokens: -1,
    input,
    cachedInput: price.cachedInputPerMillion === undefined ? input : parseRate(price.cachedInputPerMillion),
    cacheWrite: price.cacheWritePerMillion === undefined ? input : parseRate(price.cacheWritePerMillion),
    output: parseRate(price.outputPerMillion),
  };
}

function cardOfTable(model: string): RateCard | null {
  const found = calcPrice({ input_tokens: 1, output_tokens: 1 }, model, { providerId: 'openai' });
  if (!found || !matchesExactly(found.model.match, model)) return null;
  const { input_mtok, cache_read_mtok, cache_write_mtok, output_mtok } = found.model_price;
  // Models billed by the minute have no token price; their 0 is not "free".
  if (input_mtok === undefined) return null;
  const thresholds = new Set([-1]);
  for (const rate of [input_mtok, cache_read_mtok, cache_write_mtok, output_mtok]) {
    if (typeof rate === 'object') for (const tier of rate.tiers) thresholds.add(tier.start);
  }
  const descending = [...thresholds].sort((a, b) => b - a);
  return descending.map((aboveInputTokens) => ({
    aboveInputTokens,
    input: rateAt(input_mtok, aboveInputTokens),
    cachedInput: rateAt(cache_read_mtok ?? input_mtok, aboveInputTokens),
    cacheWrite: rateAt(cache_write_mtok ?? input_mtok, aboveInputTokens),
    output: output_mtok === undefined ? null : rateAt(output_mtok, aboveInputTokens),
  }));
}

type TableRate = NonNullable<NonNullable<ReturnType<typeof calcPrice>>['model_price'][string]>;

/** The price that holds just above a number of input tokens; a tier's price is for the whole call. */
function rateAt(rate: TableRate, aboveInputTokens: number): bigint {
  if (typeof rate === 'number') return rateOfNumber(rate);
  const tier = rate.tiers.findLast(({ start }) => start <= aboveInputTokens);
  return rateOfNumber(tier?.price ?? rate.base);
}

/** The table holds decimals as floats; six places are more than any price list has. */
function rateOfNumber(perMillion: number): bigint {
  return parseRate(perMillion.toFixed(6));
}

type Match = NonNullable<ReturnType<typeof calcPrice>>['model']['match'];

/** A prefix or pattern that happens to fit is a guess, and a guessed price is a wrong bill. */
function matchesExactly(match: Match, model: string): boolean {
  if ('equals' in match) return match.equals === model;
  if ('or' in match) return match.or.some((option) => matchesExactly(option, model));
  return false;
}
