import type { ListedRates } from './listed-models.ts';
import { priceTable } from './price-table.generated.ts';

/** Finds the prices of a model at a time. Undefined where the list does not name exactly this model. */
export function findListedRates(list: keyof typeof priceTable, model: string, atMs: number): ListedRates | undefined {
  const prices = priceTable[list].find(({ models }) => models.includes(model))?.prices;
  const current = prices?.findLast(({ from }) => from === undefined || atMs >= Date.parse(from));
  // As in the package: before the first date, the first prices apply.
  return (current ?? prices?.[0])?.rates;
}
