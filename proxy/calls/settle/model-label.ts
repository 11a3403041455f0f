import { LRUCache } from 'lru-cache';
import { isPricedModel } from '../../prices/price.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

/**
 * Makes the function that turns a model into a metric's label: its name where the price list or the organization knows
 * it, otherwise `other`, since a caller can send any text.
 */
export function makeModelLabel(snapshot: () => Snapshot | undefined): (model: string | null | undefined) => string {
  const labels = new LRUCache<string, string>({ max: 500 });
  return (model) => {
    if (model === null || model === undefined) return '';
    const known = labels.get(model);
    if (known !== undefined) return known;
    const label = isPricedModel(model) || isNamed(model, snapshot()) ? model : 'other';
    labels.set(model, label);
    return label;
  };
}

/** Whether the organization names the model, as one that it allows or has a price for. */
export function isNamed(model: string, snapshot: Pick<Snapshot, 'spec'> | undefined): boolean {
  const { models, prices } = snapshot?.spec ?? {};
  return Boolean(models?.allow?.includes(model) || prices?.some((price) => price.model === model));
}
