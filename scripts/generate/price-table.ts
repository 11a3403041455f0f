import { type ConditionalPrice, findProvider, type MatchLogic, type ModelInfo } from '@pydantic/genai-prices';

/** The price lists that the proxy uses, by the names that the package gives to providers. */
const lists = ['openai', 'anthropic'] as const;

/** The prices that a bill is made from. */
const units = [
  'input_mtok',
  'cache_read_mtok',
  'cache_write_mtok',
  'cache_write_1h_mtok',
  'input_audio_mtok',
  'cache_audio_read_mtok',
  'input_image_mtok',
  'cache_image_read_mtok',
  'output_mtok',
  'output_audio_mtok',
  'output_image_mtok',
  'audio_hours',
] as const;

/**
 * Ids that Anthropic documents, and that the package knows only by a pattern. A model that Anthropic adds stays unpriced
 * until it is here or the package names it: a pattern such as `claude-sonnet-5*` also fits models that cost something else.
 *
 * @see https://platform.claude.com/docs/en/about-claude/models/overview
 */
export const documentedIds: readonly string[] = [
  'claude-3-haiku-20240307',
  'claude-3-opus-20240229',
  'claude-3-5-haiku-latest',
  'claude-3-5-haiku-20241022',
  'claude-3-5-sonnet-20240620',
  'claude-3-5-sonnet-20241022',
  'claude-3-7-sonnet-latest',
  'claude-3-7-sonnet-20250219',
  'claude-sonnet-4-0',
  'claude-sonnet-4-20250514',
  'claude-opus-4-0',
  'claude-opus-4-20250514',
  'claude-opus-4-1',
  'claude-opus-4-1-20250805',
  'claude-sonnet-4-5',
  'claude-sonnet-4-5-20250929',
  'claude-haiku-4-5',
  'claude-haiku-4-5-20251001',
  'claude-opus-4-5',
  'claude-opus-4-5-20251101',
  'claude-opus-4-6',
  'claude-sonnet-4-6',
  'claude-opus-4-7',
  'claude-opus-4-8',
  'claude-sonnet-5',
];

const banner = `// Generated from the package @pydantic/genai-prices by \`npm run generate\`: update that.
import type { ListedModels } from './listed-models.ts';

`;

/**
 * Renders the prices of the models that the package names by their exact id. A price from a matching prefix or pattern
 * is a guess, and may be a wrong bill.
 */
export function renderPriceTable(): string {
  const rendered = lists.map((list) => `  ${list}: [\n${linesOf(list).join('')}  ],\n`);
  return `${banner}export const priceTable: Readonly<Record<'${lists.join("' | '")}', readonly ListedModels[]>> = {\n${rendered.join('')}};\n`;
}

function linesOf(list: (typeof lists)[number]): string[] {
  const models = findProvider({ providerId: list })?.models ?? [];
  return models.flatMap((model) => {
    const candidates = new Set([...exactIds(model.match), ...documentedIds]);
    const ids = [...candidates].filter((id) => models.find(({ match }) => matches(match, id)) === model);
    const prices = pricesOf(model);
    if (ids.length === 0 || prices.every(({ rates }) => Object.keys(rates).length === 0)) return [];
    return [`    ${JSON.stringify({ models: ids, prices })},\n`];
  });
}

/** In the order of their dates; the first may have none. */
function pricesOf({ id, prices }: ModelInfo) {
  const changes: readonly ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }];
  return changes.map(({ constraint, prices }) => {
    if (constraint && constraint.type !== 'start_date') {
      throw new Error(`The price of ${id} depends on the time of day, which the proxy's prices cannot`);
    }
    const rates = Object.fromEntries(
      units.flatMap((unit) => (prices[unit] === undefined ? [] : [[unit, prices[unit]]])),
    );
    return { ...(constraint && { from: constraint.start_date }), rates };
  });
}

function exactIds(match: MatchLogic): string[] {
  if ('equals' in match) return [match.equals];
  return 'or' in match ? match.or.flatMap(exactIds) : [];
}

/** As the package matches, which takes the first model of a list that does. */
function matches(match: MatchLogic, id: string): boolean {
  const text = id.toLowerCase();
  if ('or' in match) return match.or.some((option) => matches(option, id));
  if ('and' in match) return match.and.every((option) => matches(option, id));
  if ('equals' in match) return text === match.equals.toLowerCase();
  if ('starts_with' in match) return text.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return text.endsWith(match.ends_with.toLowerCase());
  if ('contains' in match) return text.includes(match.contains.toLowerCase());
  return new RegExp(match.regex).test(text);
}
