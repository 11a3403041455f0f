import type { PriceList } from '../providers/price-list.ts';
import type { ListedModels, ListedRates } from './listed-models.ts';
import { priceTable } from './price-table.generated.ts';

/** Price lists by their names. */
export type PriceTable = Readonly<Record<string, readonly ListedModels[]>>;

/** Every list that a provider is priced by must be generated. */
export const priceLists = priceTable satisfies Readonly<Record<PriceList, readonly ListedModels[]>>;

/** The ids of all models that any list names. */
export const listedModels: readonly string[] = Object.values(priceLists).flatMap((list) =>
  list.flatMap(({ models }) => models),
);

/** Finds the prices of a model at a time. Undefined where the list does not name exactly this model. */
export function findListedRates(
  list: string,
  model: string,
  atMs: number,
  table: PriceTable = priceLists,
): ListedRates | undefined {
  const prices = table[list]?.find(({ models }) => models.includes(model))?.prices;
  const current = prices?.findLast(({ from }) => from === undefined || atMs >= Date.parse(from));
  // As in the package: before the first date, the first prices apply.
  return (current ?? prices?.[0])?.rates;
}
