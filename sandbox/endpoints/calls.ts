import type { JsonObject } from '../json.ts';
import type { Lookup } from '../lookup.ts';
import { ProviderError } from '../provider-error.ts';

export function listCalls({ calls, query }: Lookup): JsonObject {
  return query.has('summary') ? calls.summary() : calls.list();
}

export function readCall({ calls, id }: Lookup): JsonObject {
  const call = calls.find(id);
  if (call) return call;
  throw new ProviderError(`No call '${id}' was counted.`, { status: 404 });
}

export function clearCalls({ calls }: Lookup): JsonObject {
  calls.clear();
  return calls.summary();
}
