import type { JsonObject } from '../json.ts';
import type { Keep } from '../keep.ts';
import { ProviderError } from '../provider-error.ts';

/** Remembers items by their ids, under which later prompts may name them. */
export function keepItems(keep: Keep, items: readonly JsonObject[]): void {
  for (const item of items) if (typeof item.id === 'string') keep.items.set(item.id, item);
}

/**
 * The items of a prompt, with what is referred to in the place of each reference.
 *
 * @throws ProviderError 404
 */
export function resolveItems(keep: Keep, items: readonly JsonObject[]): JsonObject[] {
  return items.map((item) => (isReference(item) ? requireItem(keep, item.id) : item));
}

/** An item that is nothing but an id is one, too. */
function isReference(item: JsonObject): boolean {
  return item.type === 'item_reference' || Object.keys(item).join() === 'id';
}

function requireItem(keep: Keep, id: JsonObject[string] | undefined): JsonObject {
  const item = keep.items.get(String(id));
  if (item) return item;
  throw new ProviderError(`Item with id '${id}' not found.`, { status: 404, param: 'input' });
}
