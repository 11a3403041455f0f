import type { Price } from '../../prices/price.ts';
import type { Body } from '../../providers/json.ts';
import { asString } from '../../providers/json.ts';
import { type Usage, unknownUsage } from '../../providers/usage.ts';
import { nanoUsdOf } from './settle-quota.ts';

/** What a token costs, in 10^-12 dollars. Null: the model has no price for it. */
export interface TokenCost {
  readonly input: number;
  readonly output: number;
}

/** An upper bound of a call's cost in 10^-9 dollars; `unknown`: by earlier calls; null: no price is known. */
export type CostBound = number | 'unknown' | null;

/** Calls that are longer may have other prices (price-card.ts), so they are not extrapolated from a short one. */
const shortTokens = 100_000;
/** By price list, provider, and model with its tier. */
const known = new WeakMap<Price, Map<string, Map<string, TokenCost | null>>>();

/** Whose price list applies. */
export interface Priced {
  /** The provider's name. */
  readonly provider: string;
  /** As the provider names it. */
  readonly model: string | undefined;
  readonly body: Body;
  readonly operation: string;
}

/** An upper bound of what a call costs. */
export function boundCost(price: Price, priced: Priced, inputTokens: number, outputTokens: number): CostBound {
  const cost = tokenCost(price, priced);
  if (cost) {
    return boundShort(cost, inputTokens, outputTokens) ?? nanoOf(price, priced, tokens(inputTokens, outputTokens));
  }
  const units = unitsOf(priced);
  const bound = units ? nanoOf(price, priced, units) : null;
  if (bound !== null) return bound;
  // It is billed by what only the answer tells, such as seconds of audio.
  return isPricedByUnits(price, priced) ? 'unknown' : null;
}

/** The same for a call whose tokens have a known price. Undefined: it is not short. */
export function boundShort(cost: TokenCost, inputTokens: number, outputTokens: number): number | undefined {
  if (inputTokens + outputTokens > shortTokens) return undefined;
  return Math.ceil((inputTokens * cost.input + outputTokens * cost.output) / 1_000);
}

/** What the tokens of short calls cost. Null: nothing is known. */
export function tokenCost(price: Price, priced: Priced): TokenCost | null {
  const models = modelsOf(price, priced.provider);
  const { model = '' } = priced;
  const tier = tierOf(priced);
  const key = tier === null ? model : `${model} ${tier}`;
  const found = models.get(key);
  if (found !== undefined) return found;
  // Models are free text.
  if (models.size >= 1_000) models.clear();
  const made = findTokenCost(price, priced);
  models.set(key, made);
  return made;
}

function modelsOf(price: Price, provider: string): Map<string, TokenCost | null> {
  let providers = known.get(price);
  if (!providers) {
    providers = new Map();
    known.set(price, providers);
  }
  let models = providers.get(provider);
  if (!models) {
    models = new Map();
    providers.set(provider, models);
  }
  return models;
}

/** Tiers whose prices differ from the list. */
const otherTiers = new Set(['flex', 'priority', 'scale']);

function tierOf({ body }: Priced): string | null {
  const tier = asString(body.service_tier);
  return tier !== null && otherTiers.has(tier) ? tier : null;
}

/** The price of a thousand tokens, so that nothing is lost to rounding. */
function findTokenCost(price: Price, priced: Priced): TokenCost | null {
  const perToken = (usage: Usage) => nanoOf(price, priced, usage);
  const input = perToken(tokens(1_000, 0));
  if (input === null) return null;
  const written = perToken({ ...tokens(1_000, 0), cacheWriteTokens: 1_000 }) ?? input;
  return { input: Math.max(input, written), output: perToken(tokens(0, 1_000)) ?? 0 };
}

/** In 10^-9 dollars, rounded up. */
function nanoOf(price: Price, priced: Priced, usage: Usage): number | null {
  const dollars = price(priced.provider, priced.model ?? null, usage, tierOf(priced));
  return dollars === null ? null : nanoUsdOf(dollars);
}

function tokens(inputTokens: number, outputTokens: number): Usage {
  return { ...unknownUsage, inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
}

/** What the body alone tells of a call that is not billed by tokens. */
function unitsOf({ operation, body }: Priced): Usage | undefined {
  if (operation === 'speech') return { ...unknownUsage, characters: [...(asString(body.input) ?? '')].length };
  if (!operation.startsWith('image_')) return undefined;
  const count = Number(body.n ?? 1);
  const images = Number.isSafeInteger(count) && count > 0 ? count : 1;
  return { ...unknownUsage, images, imageSize: asString(body.size), imageQuality: asString(body.quality) };
}

function isPricedByUnits(price: Price, priced: Priced): boolean {
  return [{ audioSeconds: 1 }, { characters: 1 }, { images: 1 }].some(
    (unit) => nanoOf(price, priced, { ...unknownUsage, ...unit }) !== null,
  );
}
