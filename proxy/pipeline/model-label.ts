import { LRUCache } from 'lru-cache';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { isPricedModel } from './price.ts';

/**
 * Makes the function that turns a model into a metric's label: its name where a price list or the organization knows
 * it, otherwise `other`, since a caller can write anything there.
 */
export function makeModelLabel(snapshot: () => Snapshot | undefined): (model: string | null | undefined) => string {
  const labels = new LRUCache<string, string>({ max: 500 });
  const isNamed = (model: string) => {
    const spec = snapshot()?.spec;
    return spec?.models?.allow?.includes(model) || spec?.prices?.some((price) => price.model === model);
  };
  return (model) => {
    if (model === null || model === undefined) return '';
    const known = labels.get(model);
    if (known !== undefined) return known;
    const label = isPricedModel(model) || isNamed(model) ? model : 'other';
    labels.set(model, label);
    return label;
  };
}
