import { LRUCache } from 'lru-cache';
import { asObject, parseObject } from '../../providers/json.ts';
import type { Provider } from '../../snapshot/snapshot.ts';

/** A provider may learn the option: it is asked again after this time. */
const rememberedMs = 3_600_000;

/** The providers and models that refuse to be asked for the usage of a stream, as far as calls have shown it. */
export interface UsageRefusals {
  has(provider: Provider, model: string | undefined): boolean;
  add(provider: Provider, model: string | undefined): void;
}

export function makeUsageRefusals(): UsageRefusals {
  const refusals = new LRUCache<string, true>({ max: 1_000, ttl: rememberedMs });
  const keyOf = ({ origin, basePath }: Provider, model = '') => `${origin}${basePath} ${model.slice(0, 200)}`;
  return {
    has: (provider, model) => refusals.has(keyOf(provider, model)),
    add: (provider, model) => refusals.set(keyOf(provider, model), true),
  };
}

/**
 * Whether an answer may refuse a call for nothing but `stream_options`, which we have added: it names the field, or it is
 * a refusal of the body that names no field at all. What was answered with content is never asked again.
 */
export function refusesUsageOption(status: number, text: string): boolean {
  const isNamed = text.includes('stream_options') || text.includes('include_usage');
  if (status < 300) return isNamed && parseObject(text)?.error != null;
  if (isNamed) return status >= 400;
  if (status !== 400 && status !== 422) return false;
  const answer = parseObject(text);
  const param = asObject(answer?.error)?.param ?? answer?.param;
  return param === undefined || param === null || param === '';
}
