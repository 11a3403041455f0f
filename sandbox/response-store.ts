import { LRUCache } from 'lru-cache';
import type { BackgroundWork } from './background-work.ts';
import type { ResponsePlan } from './endpoints/response-object.ts';
import type { JsonObject } from './json.ts';
import { ProviderError } from './provider-error.ts';
import type { Turn } from './turns.ts';

/** A stored response, with the data to continue from it. */
export interface StoredResponse {
  /** The finished response. */
  response: JsonObject;
  plan: ResponsePlan;
  /** The progress of a background response; null for others. */
  work: BackgroundWork | null;
  previousId: string | null;
  /** Its own input items, each with an id. */
  input: JsonObject[];
  /** The turns of its own input and output. */
  turns: Turn[];
}

export interface ResponseStore {
  keep(id: string, stored: StoredResponse): void;
  find(id: string): StoredResponse | undefined;
  delete(id: string): boolean;
  /** The chain that ends with `id`, the oldest first. It is shorter where an ancestor was deleted or dropped. */
  chain(id: string | null): StoredResponse[];
}

/** @param limit how many responses are kept; the least recently used go first, also beyond 128 MiB of text */
export function makeResponseStore(limit = 10_000): ResponseStore {
  const cache = new LRUCache<string, StoredResponse>({
    max: limit,
    maxSize: 128 * 1024 * 1024,
    sizeCalculation: ({ turns }) => turns.reduce((bytes, turn) => bytes + 2 * turn.bytes, 2000),
  });
  return {
    keep: (id, stored) => void cache.set(id, stored),
    find: (id) => cache.get(id),
    delete: (id) => cache.delete(id),
    chain: (id) => chainOf((one) => cache.get(one), id),
  };
}

/** The responses of a key with those that only one connection knows. What is kept is the key's. */
export function joinStores(ofKey: ResponseStore, ofConnection: ResponseStore): ResponseStore {
  const find = (id: string) => ofConnection.find(id) ?? ofKey.find(id);
  return { ...ofKey, find, chain: (id) => chainOf(find, id) };
}

function chainOf(find: ResponseStore['find'], id: string | null): StoredResponse[] {
  const chain: StoredResponse[] = [];
  for (let next = id; next !== null; ) {
    const stored = find(next);
    if (stored) chain.unshift(stored);
    next = stored?.previousId ?? null;
  }
  return chain;
}

/** @throws ProviderError 400 `previous_response_not_found` where the response is not stored */
export function requirePrevious(store: ResponseStore, id: string | null): void {
  if (id === null || store.find(id)) return;
  throw new ProviderError(`Previous response with id '${id}' not found.`, {
    param: 'previous_response_id',
    code: 'previous_response_not_found',
  });
}

/** @throws ProviderError 404 */
export function requireStored(store: ResponseStore, id: string): StoredResponse {
  const stored = store.find(id);
  if (stored) return stored;
  throw new ProviderError(`Response with id '${id}' not found.`, { status: 404 });
}
