import { Type } from 'typebox';
import type { UsageSums, UsageTotals } from '../../../governance/figures/groups.ts';
import type { Period } from '../../../governance/figures/period.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';

/** What answers say of the organization's cache of answers. */
const cache = {
  hits: Type.Integer({ description: 'Calls that the organization’s cache has answered. They cost nothing.' }),
  misses: Type.Integer({ description: 'Calls that were for the cache, and that a provider was asked for.' }),
  avoided_cost: Type.Number({ description: 'US dollars that the provider would have billed for the hits.' }),
  savings: Type.Number({ description: 'US dollars: half of it, as the API of sessions states savings.' }),
  unpriced_hits: Type.Integer({ description: 'Hits whose price is not known, which are not in avoided_cost.' }),
};

/** What answers say of a group of calls. */
export const figures = {
  request_count: Type.Integer(),
  success_count: Type.Integer({ description: 'Calls that were completed.' }),
  failure_count: Type.Integer({ description: 'All others: failed, cancelled and interrupted ones.' }),
  success_rate: Type.Number({ description: 'Percent of the calls; 0 where there are none.' }),
  input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  total_cost: Type.Number({ description: 'US dollars.' }),
  unpriced_count: Type.Integer({ description: 'Calls whose price is not known, which are not in total_cost.' }),
  avg_response_time: Type.Number({ description: 'Seconds from the request to the end of its answer, on average.' }),
  cache: Type.Object(cache),
};

/** What answers say of all that they list, on whatever page. */
export const totals = {
  total_requests: Type.Integer(),
  total_cost: Type.Number({ description: 'US dollars.' }),
  unpriced_count: Type.Integer({ description: 'Calls whose price is not known, which are not in total_cost.' }),
  cache: Type.Object(cache),
};

export const period = {
  period_start: { ...Timestamp, description: 'The beginning of the first day.' },
  period_end: { ...Timestamp, description: 'The end of the last day.' },
};

export const models_used = Type.Array(Type.String(), { description: 'As they were asked for.' });

export const filtered_by_user = Nullable(Type.String(), 'The user whose calls alone are counted.');

/** Parts of the examples of the answers. */
export const exampleCache = { hits: 20, misses: 80, avoided_cost: 0.2, savings: 0.1, unpriced_hits: 0 };
export const exampleFigures = {
  request_count: 150,
  success_count: 145,
  failure_count: 5,
  success_rate: 96.7,
  input_tokens: 15_000,
  output_tokens: 45_000,
  total_tokens: 60_000,
  total_cost: 1.25,
  unpriced_count: 0,
  avg_response_time: 1.5,
  cache: exampleCache,
};
export const examplePeriod = { period_start: '2026-06-01T00:00:00Z', period_end: '2026-06-07T23:59:59Z' };
export const exampleModels = ['gpt-4o', 'gpt-4o-mini'];

export function showFigures(sums: Omit<UsageSums, 'lastRequestAt'>) {
  const [requests, completed] = [Number(sums.requestCount), Number(sums.completedCount)];
  const timed = Number(sums.durationCount);
  return {
    request_count: requests,
    success_count: completed,
    failure_count: requests - completed,
    success_rate: requests === 0 ? 0 : Math.round((completed / requests) * 1_000) / 10,
    input_tokens: Number(sums.inputTokens),
    output_tokens: Number(sums.outputTokens),
    total_tokens: Number(sums.totalTokens),
    total_cost: Number(sums.costUsd),
    unpriced_count: Number(sums.unpricedCount),
    avg_response_time: timed === 0 ? 0 : Math.round(Number(sums.durationMs) / timed) / 1_000,
    cache: showCache(sums),
  };
}

type CacheSums = Pick<
  UsageTotals,
  'cacheHitCount' | 'cacheMissCount' | 'unpricedHitCount' | 'avoidedCostUsd' | 'cacheSavingsUsd'
>;

function showCache(sums: CacheSums) {
  return {
    hits: Number(sums.cacheHitCount),
    misses: Number(sums.cacheMissCount),
    avoided_cost: Number(sums.avoidedCostUsd),
    savings: Number(sums.cacheSavingsUsd),
    unpriced_hits: Number(sums.unpricedHitCount),
  };
}

export function showTotals({ requestCount, costUsd, unpricedCount, ...cacheSums }: UsageTotals) {
  return {
    total_requests: Number(requestCount),
    total_cost: Number(costUsd),
    unpriced_count: Number(unpricedCount),
    cache: showCache(cacheSums),
  };
}

/** The one user that a persona is restricted to, if it is one. */
export function onlyUser(users: readonly string[]): string | null {
  return users.length === 1 ? (users[0] ?? null) : null;
}

export function showPeriod({ firstDay, lastDay }: Period) {
  return { period_start: `${firstDay}T00:00:00Z`, period_end: `${lastDay}T23:59:59Z` };
}
