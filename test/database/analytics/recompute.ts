import type { UsageFilter } from '../../../database/analytics/filter.ts';
import { nobody } from '../../../database/ids.ts';
import type { RequestRecord } from '../../../database/requests.ts';

/** What analytics say, found the long way: from the records themselves. Costs are in 10⁻¹² dollars. */
export function select(records: readonly RequestRecord[], filter: UsageFilter): RequestRecord[] {
  return records.filter(
    (record) =>
      dayOf(record) >= filter.firstDay &&
      dayOf(record) <= filter.lastDay &&
      (filter.kind === null || record.kind === filter.kind) &&
      (filter.userId === null || record.user_id === filter.userId) &&
      (filter.personaId === null || (record.persona_id ?? nobody) === filter.personaId) &&
      hasAttributes(record, filter) &&
      (filter.model === null || answeredBy(record) === filter.model || record.requested_model === filter.model),
  );
}

function hasAttributes(record: RequestRecord, { attributes }: UsageFilter): boolean {
  const { clientName = null, clientVersion = null, safetyIdentifier = null, endUser = null } = attributes ?? {};
  return (
    (clientName === null || record.client_name === clientName) &&
    (clientVersion === null || record.client_version === clientVersion) &&
    (safetyIdentifier === null || record.safety_identifier === safetyIdentifier) &&
    (endUser === null || record.end_user === endUser)
  );
}

export function dayOf({ started_at }: RequestRecord): string {
  return started_at.slice(0, 10);
}

/** The name that a call is known by: as it was asked for, else as it answered. */
export function modelOf({ model, requested_model }: RequestRecord): string {
  return requested_model ?? model ?? '';
}

export function answeredBy({ model, requested_model }: RequestRecord): string {
  return model ?? requested_model ?? '';
}

export function groupBy(records: readonly RequestRecord[], keyOf: (record: RequestRecord) => string) {
  return Map.groupBy(records, keyOf);
}

export function total(records: readonly RequestRecord[], of: (record: RequestRecord) => number | null): number {
  return records.reduce((sum, record) => sum + (of(record) ?? 0), 0);
}

export function totalCost(records: readonly RequestRecord[]): bigint {
  return records.reduce((sum, { cost_usd }) => sum + (cost_usd === null ? 0n : picodollars(cost_usd)), 0n);
}

/** A decimal as whole 10⁻¹² dollars. */
export function picodollars(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(12, '0'));
}

export function usedModels(records: readonly RequestRecord[]): string[] {
  return [...new Set(records.map(modelOf))].filter((model) => model !== '').sort();
}

export function sums(records: readonly RequestRecord[]) {
  const withDuration = records.filter(({ duration_ms }) => duration_ms !== null);
  return {
    requestCount: records.length,
    completedCount: records.filter(({ status }) => status === 'completed').length,
    unpricedCount: records.filter(isUnpriced).length,
    inputTokens: total(records, ({ input_tokens }) => input_tokens),
    outputTokens: total(records, ({ output_tokens }) => output_tokens),
    totalTokens: total(records, ({ total_tokens }) => total_tokens),
    costUsd: totalCost(records),
    durationMs: total(withDuration, ({ duration_ms }) => duration_ms),
    durationCount: withDuration.length,
    lastRequestAt: Math.max(...timesOf(records)),
    ...cacheSums(records),
  };
}

export function cacheSums(records: readonly RequestRecord[]) {
  const hits = records.filter(({ cache_status }) => cache_status === 'hit');
  const dollarsOf = (of: (record: RequestRecord) => string | undefined) =>
    hits.reduce((sum, record) => sum + picodollars(of(record) ?? '0'), 0n);
  return {
    cacheHitCount: hits.length,
    cacheMissCount: records.filter(({ cache_status }) => cache_status === 'miss').length,
    unpricedHitCount: hits.filter(({ avoided_cost_usd }) => avoided_cost_usd === undefined).length,
    avoidedCostUsd: dollarsOf(({ avoided_cost_usd }) => avoided_cost_usd),
    cacheSavingsUsd: dollarsOf(({ cache_savings_usd }) => cache_savings_usd),
  };
}

/** Billed, and nobody knows what for or how much. */
function isUnpriced({ cost_usd, status, operation, total_tokens, images, characters }: RequestRecord): boolean {
  const isBilled = status === 'completed' && operation !== 'moderations';
  return cost_usd === null && (isBilled || total_tokens !== null || images != null || characters != null);
}

export function session(records: readonly RequestRecord[]) {
  const times = timesOf(records);
  return {
    startedAt: Math.min(...times),
    lastRequestAt: Math.max(...times),
    requestCount: records.length,
    unpricedCount: sums(records).unpricedCount,
    totalTokens: total(records, ({ total_tokens }) => total_tokens),
    costUsd: totalCost(records),
    models: usedModels(records),
  };
}

function timesOf(records: readonly RequestRecord[]): number[] {
  return records.map(({ started_at }) => Date.parse(started_at));
}
