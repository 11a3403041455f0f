import { LRUCache } from 'lru-cache';
import { asObject, parseObject } from '../../providers/json.ts';
import type { Provider } from '../../snapshot/snapshot.ts';

/** After this time the option is tried again, since the provider may support it by then. */
const rememberedMs = 3_600_000;

/** Remembers the providers and models that have refused the usage option for streams. */
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
 * Whether an answer may have refused a call only because of `stream_options`, which we added: it names the field, or it
 * refuses the body without naming any field. A call that got content is never repeated.
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
