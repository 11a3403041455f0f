import type { JsonObject } from '../json.ts';
import type { Keep } from '../keep.ts';
import { ProviderError } from '../provider-error.ts';

/** Stores items by id, so that later prompts may refer to them. */
export function keepItems(keep: Keep, items: readonly JsonObject[]): void {
  for (const item of items) if (typeof item.id === 'string') keep.items.set(item.id, item);
}

/**
 * The items of a prompt, with each reference replaced by its item.
 *
 * @throws ProviderError 404
 */
export function resolveItems(keep: Keep, items: readonly JsonObject[]): JsonObject[] {
  return items.map((item) => (isReference(item) ? requireItem(keep, item.id) : item));
}

/** An item that has only an id is a reference, too. */
function isReference(item: JsonObject): boolean {
  return item.type === 'item_reference' || Object.keys(item).join() === 'id';
}

function requireItem(keep: Keep, id: JsonObject[string] | undefined): JsonObject {
  const item = keep.items.get(String(id));
  if (item) return item;
  throw new ProviderError(`Item with id '${id}' not found.`, { status: 404, param: 'input' });
}
