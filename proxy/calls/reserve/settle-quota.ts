import type { PendingQuota } from '../../../database/pending-calls.ts';
import { type QuotaUnit, quotaUnits } from '../../../database/quota.ts';
import type { RequestRecord } from '../../../database/requests.ts';

/** The numbers of a count in `RequestRecord.quota`: unit, counter, lease, amount. */
const stride = 4;

/** The unit of a count whose amount is final. */
export const finalUnit = -1;

/**
 * Replaces the upper bounds in the `quota` of a pending call by what the call has used. It follows from the record
 * alone, since another proxy may have made the call.
 */
export function settleQuota(record: RequestRecord & PendingQuota): void {
  if (record.quota === undefined) return;
  const before = readBefore(record);
  const numbers = record.quota.split(',');
  for (let at = 0; at < numbers.length; at += stride) {
    const unit = quotaUnits[Number(numbers[at])];
    const bound = Number(numbers[at + 3]);
    if (unit) numbers[at + 3] = String(usedSince(before.get(numbers[at + 1] ?? '') ?? 0, unit, bound, record));
  }
  record.quota = numbers.join(',');
}

function readBefore({ quota_before: text }: PendingQuota): Map<string, number> {
  const before = new Map<string, number>();
  const numbers = text?.split(',') ?? [];
  for (let at = 0; at + 1 < numbers.length; at += 2) before.set(numbers[at] ?? '', Number(numbers[at + 1]));
  return before;
}

/**
 * How much a call has used of a counter that concerns it since some attempts had failed.
 *
 * @param beforeNanoUsd what these have cost, in 10^-9 dollars
 */
export function usedSince(beforeNanoUsd: number, unit: QuotaUnit, bound: number, record: RequestRecord): number {
  if (unit !== 'nano_usd') return usedOf(unit, bound, record);
  // What failed attempts have cost is known all the same.
  if (record.cost_usd === null) return Math.max(unknownUse(bound, record), failedNanoUsdOf(record) - beforeNanoUsd);
  return nanoUsdOf(record.cost_usd) - beforeNanoUsd;
}

/** How much a call has used. Where that is unknown and the provider may bill it, the bound stays. */
export function usedOf(unit: QuotaUnit, bound: number, record: RequestRecord): number {
  switch (unit) {
    case 'requests':
      return bound;
    case 'concurrent':
      return 0;
    case 'tokens':
      return record.total_tokens ?? sumOf(record) ?? unknownUse(bound, record);
    case 'input_tokens':
      return record.input_tokens ?? unknownUse(bound, record);
    case 'output_tokens':
      return record.output_tokens ?? unknownUse(bound, record);
    case 'nano_usd':
      return usedSince(0, unit, bound, record);
  }
}

/** What the failed attempts of a call have cost, in 10^-9 dollars. */
export function failedNanoUsdOf({ attempts = [] }: Pick<RequestRecord, 'attempts'>): number {
  return attempts.reduce((sum, { cost_usd: cost }) => sum + (cost === undefined ? 0 : nanoUsdOf(cost)), 0);
}

const places = 9;

/** A cost in 10^-9 dollars, rounded up. */
export function nanoUsdOf(costUsd: string): number {
  const point = costUsd.indexOf('.');
  if (point === -1) return Number(costUsd) * 1e9;
  const end = point + 1 + places;
  const nano = Number(costUsd.slice(0, point)) * 1e9 + Number(costUsd.slice(point + 1, end).padEnd(places, '0'));
  return Number(costUsd.slice(end)) > 0 ? nano + 1 : nano;
}

function sumOf({ input_tokens: input, output_tokens: output }: RequestRecord): number | undefined {
  return input === null || output === null ? undefined : input + output;
}

/** An error of the provider, or a call that did not reach it, has cost nothing. */
export function unknownUse(bound: number, { status, http_status: httpStatus }: RequestRecord): number {
  return status === 'failed' && httpStatus !== 200 ? 0 : bound;
}
