import { unsupported } from '../fields.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Lookup } from '../lookup.ts';
import { ProviderError } from '../provider-error.ts';
import { requireStored } from '../response-store.ts';

export function readResponse({ responses, id, query }: Lookup): JsonObject {
  if (query.get('stream') === 'true') throw unsupported('stream');
  return requireStored(responses, id).response;
}

export function deleteResponse({ responses, id }: Lookup): JsonObject {
  requireStored(responses, id);
  responses.delete(id);
  return { id, object: 'response', deleted: true };
}

/** Everything the response was generated from: its own input and, before it, the chain it continues. Newest first. */
export function listInputItems({ responses, id, query }: Lookup): JsonObject {
  const { input, previousId } = requireStored(responses, id);
  const earlier = responses.chain(previousId).flatMap((stored) => [...stored.input, ...outputItems(stored.response)]);
  const items = [...earlier, ...input];
  if (query.get('order') !== 'asc') items.reverse();
  const after = query.get('after');
  const start = after === null ? 0 : items.findIndex((item) => item.id === after) + 1;
  const page = items.slice(start, start + readLimit(query));
  return {
    object: 'list',
    data: page,
    first_id: page.at(0)?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: start + page.length < items.length,
  };
}

function outputItems({ output }: JsonObject): JsonObject[] {
  return Array.isArray(output) ? output.filter(isJsonObject) : [];
}

function readLimit(query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? 20);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 100) return limit;
  throw new ProviderError("Invalid 'limit': expected an integer from 1 to 100.", {
    param: 'limit',
    code: 'invalid_value',
  });
}
