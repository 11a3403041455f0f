import type { JsonObject } from './json.ts';
import { ProviderError } from './provider-error.ts';

/** Makes a page of a list in OpenAI's form, the newest first unless `order=asc`. `items` must have the oldest first. */
export function pageOf(items: readonly JsonObject[], query: URLSearchParams, defaultLimit = 20): JsonObject {
  const ordered = query.get('order') === 'asc' ? items : items.toReversed();
  const after = query.get('after');
  const start = after === null ? 0 : ordered.findIndex((item) => item.id === after) + 1;
  const data = ordered.slice(start, start + readLimit(query, defaultLimit));
  return {
    object: 'list',
    data,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < ordered.length,
  };
}

function readLimit(query: URLSearchParams, defaultLimit: number): number {
  const limit = Number(query.get('limit') ?? defaultLimit);
  if (Number.isInteger(limit) && limit >= 1 && limit <= Math.max(100, defaultLimit)) return limit;
  throw new ProviderError(`Invalid 'limit': expected an integer from 1 to ${Math.max(100, defaultLimit)}.`, {
    param: 'limit',
    code: 'invalid_value',
  });
}
