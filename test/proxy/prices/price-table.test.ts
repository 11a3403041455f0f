import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calcPrice, findProvider, type MatchLogic } from '@pydantic/genai-prices';
import { priceTable } from '../../../proxy/prices/price-table.generated.ts';
import { findListedRates } from '../../../proxy/prices/price-table.ts';
import { documentedIds } from '../../../scripts/generate/price-table.ts';

const lists = Object.keys(priceTable) as (keyof typeof priceTable)[];
const units = new Set(
  [
    [
      'input_mtok',
      'cache_read_mtok',
      'cache_write_mtok',
      'cache_write_1h_mtok',
      'input_audio_mtok',
      'input_image_mtok',
      'cache_audio_read_mtok',
      'cache_image_read_mtok',
    ],
    ['output_mtok', 'output_audio_mtok', 'output_image_mtok', 'audio_hours'],
  ].flat(),
);

/** Everything in a match that is a text: exact ids, prefixes, suffixes, parts. */
function textsOf(match: MatchLogic): string[] {
  if ('or' in match) return match.or.flatMap(textsOf);
  if ('and' in match) return match.and.flatMap(textsOf);
  return Object.values(match);
}

function namesExactly(match: MatchLogic, id: string): boolean {
  if ('equals' in match) return match.equals === id;
  return 'or' in match && match.or.some((option) => namesExactly(option, id));
}

/** What the package says, as far as a bill is made from it. */
function ratesOfPackage(list: string, model: string, atMs: number): object | undefined {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const found = calcPrice(usage, model, { providerId: list, timestamp: new Date(atMs) });
  const isExact = documentedIds.includes(model) || (found && namesExactly(found.model.match, model));
  if (!found || !isExact) return undefined;
  const rates = Object.entries(found.model_price).filter(([unit]) => units.has(unit));
  return rates.length === 0 ? undefined : JSON.parse(JSON.stringify(Object.fromEntries(rates)));
}

/** Models of each list, at least. */
const leastCompared = { openai: 150, anthropic: 20 };

for (const list of lists) {
  test(`the prices of ${list} are those of the package, for every model and at every date`, () => {
    const models = findProvider({ providerId: list })?.models ?? [];
    const ids = new Set([...models.flatMap(({ id, match }) => [id, ...textsOf(match)]), ...documentedIds]);
    const variants = [...ids].flatMap((id) => [
      id,
      id.toUpperCase(),
      `${id}-2030-01-01`,
      id.replaceAll(/-(?=\d\d)/g, ''),
    ]);
    const dates = models.flatMap(({ prices }) => (Array.isArray(prices) ? prices : []));
    const changes = dates.flatMap(({ constraint }) =>
      constraint?.type === 'start_date' ? [Date.parse(constraint.start_date)] : [],
    );
    const times = [0, Date.now(), Date.UTC(2100), ...changes.flatMap((atMs) => [atMs - 1, atMs])];
    let compared = 0;
    for (const model of variants) {
      for (const atMs of times) {
        const expected = ratesOfPackage(list, model, atMs);
        assert.deepEqual(findListedRates(list, model, atMs), expected, `${model} at ${new Date(atMs).toISOString()}`);
        if (expected) compared += 1;
      }
    }
    assert.ok(compared > leastCompared[list] * times.length, `${compared} comparisons at ${times.length} times`);
  });
}
