import type { UsageFilter } from './filter.ts';
import { recordsAsUsage } from './records.ts';

export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** The sums of a group of calls: integers and decimals from Postgres, as text, so they are exact. */
export interface UsageSums {
  readonly requestCount: string;
  readonly completedCount: string;
  readonly unpricedCount: string;
  readonly inputTokens: string;
  readonly outputTokens: string;
  readonly totalTokens: string;
  readonly costUsd: string;
  /** Sum over the calls whose duration is known. */
  readonly durationMs: string;
  readonly durationCount: string;
  readonly lastRequestAt: Date;
  /** Of calls that the cache has answered. */
  readonly cacheHitCount: string;
  /** Of calls that were for the cache, and that a provider was asked for. */
  readonly cacheMissCount: string;
  /** Of hits without a known price, which are not in the avoided cost. */
  readonly unpricedHitCount: string;
  readonly avoidedCostUsd: string;
  readonly cacheSavingsUsd: string;
}

/** The sums of all groups, including those on other pages. */
export interface UsageTotals {
  readonly groups: number;
  readonly requestCount: string;
  readonly unpricedCount: string;
  readonly costUsd: string;
  readonly cacheHitCount: string;
  readonly cacheMissCount: string;
  readonly unpricedHitCount: string;
  readonly avoidedCostUsd: string;
  readonly cacheSavingsUsd: string;
}

export interface UsageList<Group> {
  readonly groups: readonly Group[];
  readonly totals: UsageTotals;
}

/** Chooses the coarsest grain of the sums that still separates what the query asks for. */
export function chooseGrain(tellsApart: { readonly user: boolean; readonly persona: boolean }) {
  if (!tellsApart.user) return 'persona';
  return tellsApart.persona ? 'both' : 'user';
}

/**
 * The name that a row's calls are known by: the model that was asked for, so that a model's failures stand beside its
 * successes; else the one that answered, as in batches.
 */
export const askedModel = `coalesce(nullif(requested_model, ''), model)`;

/** Sums over rows of `daily_usage` or `weekly_usage`. */
export const usageSums = `
  sum(completed_count + failed_count + cancelled_count + interrupted_count) as request_count,
  sum(completed_count) as completed_count, sum(unpriced_count) as unpriced_count,
  sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(total_tokens) as total_tokens,
  sum(cost_usd) as cost_usd, sum(duration_ms) as duration_ms, sum(duration_count) as duration_count,
  max(last_request_at) as last_request_at, sum(cache_hit_count) as cache_hit_count,
  sum(cache_miss_count) as cache_miss_count, sum(unpriced_hit_count) as unpriced_hit_count,
  sum(avoided_cost_usd) as avoided_cost_usd, sum(cache_savings_usd) as cache_savings_usd`;

/** Sums over the results of `usageSums`. */
export const sumsOfSums = `
  sum(request_count) as request_count, sum(completed_count) as completed_count, sum(unpriced_count) as unpriced_count,
  sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(total_tokens) as total_tokens,
  sum(cost_usd) as cost_usd, sum(duration_ms) as duration_ms, sum(duration_count) as duration_count,
  max(last_request_at) as last_request_at, sum(cache_hit_count) as cache_hit_count,
  sum(cache_miss_count) as cache_miss_count, sum(unpriced_hit_count) as unpriced_hit_count,
  sum(avoided_cost_usd) as avoided_cost_usd, sum(cache_savings_usd) as cache_savings_usd`;

/** These sums under the field names of UsageSums. */
export const namedSums = `
  request_count as "requestCount", completed_count as "completedCount", unpriced_count as "unpricedCount",
  input_tokens as "inputTokens", output_tokens as "outputTokens", total_tokens as "totalTokens", cost_usd as "costUsd",
  duration_ms as "durationMs", duration_count as "durationCount", last_request_at as "lastRequestAt",
  cache_hit_count as "cacheHitCount", cache_miss_count as "cacheMissCount", unpriced_hit_count as "unpricedHitCount",
  avoided_cost_usd as "avoidedCostUsd", cache_savings_usd as "cacheSavingsUsd"`;

const selected = `organization_id = $1::uuid and grain = $2::text and ($5::text is null or kind = $5::text)
    and ($6::uuid is null or user_id = $6::uuid) and ($7::uuid is null or persona_id = $7::uuid)
    and ($8::text is null or model = $8::text or requested_model = $8::text)`;

/**
 * The calls that a filter selects, by day. The query's parameters are `filterValues`, its own, and from `$firstAttribute`
 * on `attributeValues`.
 */
export function filteredDays(filter: UsageFilter, firstAttribute: number): string {
  return filter.attributes ? recordsAsUsage(filter, firstAttribute) : summedDays;
}

/** The same, where the query needs no single days. */
export function filteredUsage(filter: UsageFilter, firstAttribute: number): string {
  return filter.attributes ? recordsAsUsage(filter, firstAttribute) : summedUsage;
}

const summedDays = `chaperone.daily_usage where ${selected} and day between $3::date and $4::date`;

/** The first Monday of the period, and the one after its last whole week. */
const firstWeek = `date_trunc('week', ($3::date + 6)::timestamp)::date`;
const endOfWeeks = `date_trunc('week', ($4::date + 1)::timestamp)::date`;

/** The same sums in fewer rows: whole weeks, and the days before and after them. */
const summedUsage = `(
    select * from chaperone.daily_usage where ${selected} and day between $3::date and least(${firstWeek} - 1, $4::date)
    union all
    select * from chaperone.weekly_usage where ${selected} and week >= ${firstWeek} and week < ${endOfWeeks}
    union all
    select * from chaperone.daily_usage where ${selected} and day between greatest(${firstWeek}, ${endOfWeeks}) and $4::date
  ) usage`;

/** The parameters `$1` to `$8` of a filter, for a query that separates users or personas. */
export function filterValues(filter: UsageFilter, tellsApart: { readonly user?: boolean; readonly persona?: boolean }) {
  const { organizationId, firstDay, lastDay, kind, userId, personaId, model } = filter;
  const grain = chooseGrain({
    user: tellsApart.user === true || userId !== null,
    persona: tellsApart.persona === true || personaId !== null,
  });
  return [organizationId, grain, firstDay, lastDay, kind, userId, personaId, model];
}

/** A row of a page. Every row has the totals; an empty page is one row that has only the totals. */
export type PageRow<Group> = (Group | { readonly [Name in keyof Group]: null }) & {
  readonly groups: number;
  readonly allRequestCount: string;
  readonly allUnpricedCount: string;
  readonly allCostUsd: string;
  readonly allCacheHitCount: string;
  readonly allCacheMissCount: string;
  readonly allUnpricedHitCount: string;
  readonly allAvoidedCostUsd: string;
  readonly allCacheSavingsUsd: string;
};

/** The totals of the CTE `grouped`, under the names of PageRow. */
export const groupedTotals = `
  select count(*)::integer as groups, coalesce(sum(request_count), 0) as "allRequestCount",
    coalesce(sum(unpriced_count), 0) as "allUnpricedCount", coalesce(sum(cost_usd), 0) as "allCostUsd",
    coalesce(sum(cache_hit_count), 0) as "allCacheHitCount", coalesce(sum(cache_miss_count), 0) as "allCacheMissCount",
    coalesce(sum(unpriced_hit_count), 0) as "allUnpricedHitCount",
    coalesce(sum(avoided_cost_usd), 0) as "allAvoidedCostUsd", coalesce(sum(cache_savings_usd), 0) as "allCacheSavingsUsd"
  from grouped`;

export function toUsageList<Group extends { readonly requestCount: string }>(
  rows: readonly PageRow<Group>[],
): UsageList<Group> {
  const [first] = rows;
  return {
    groups: rows.filter((row): row is PageRow<Group> & Group => row.requestCount !== null),
    totals: {
      groups: first?.groups ?? 0,
      requestCount: first?.allRequestCount ?? '0',
      unpricedCount: first?.allUnpricedCount ?? '0',
      costUsd: first?.allCostUsd ?? '0',
      cacheHitCount: first?.allCacheHitCount ?? '0',
      cacheMissCount: first?.allCacheMissCount ?? '0',
      unpricedHitCount: first?.allUnpricedHitCount ?? '0',
      avoidedCostUsd: first?.allAvoidedCostUsd ?? '0',
      cacheSavingsUsd: first?.allCacheSavingsUsd ?? '0',
    },
  };
}
