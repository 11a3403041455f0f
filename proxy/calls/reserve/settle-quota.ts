import { type QuotaUnit, quotaUnits } from '../../../database/quota.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { parseDollars } from '../../prices/price-card.ts';

/** The numbers of a count in `RequestRecord.quota`: unit, counter, lease, amount. */
export const quotaStride = 4;

/**
 * Replaces the upper bounds in `record.quota` by what the call has used. It follows from the record alone, so every end
 * of a call counts alike: of a late one that another proxy sees, and of one that the process did not survive.
 */
export function settleQuota(record: RequestRecord): void {
  const { quota } = record;
  if (!quota) return;
  for (let at = 0; at < quota.length; at += quotaStride) {
    const unit = quotaUnits[quota[at] ?? 0];
    const bound = quota[at + 3] ?? 0;
    if (unit) quota[at + 3] = usedOf(unit, bound, record);
  }
}

/** How much a call has used. Where that is unknown and the provider may bill it, the bound stays. */
export function usedOf(unit: QuotaUnit, bound: number, record: RequestRecord): number {
  switch (unit) {
    case 'requests':
      return bound;
    case 'concurrent':
      return 0;
    case 'tokens':
      return record.total_tokens ?? sumOf(record) ?? unknown(bound, record);
    case 'input_tokens':
      return record.input_tokens ?? unknown(bound, record);
    case 'output_tokens':
      return record.output_tokens ?? unknown(bound, record);
    case 'nano_usd':
      return record.cost_usd === null ? unknown(bound, record) : nanoUsdOf(record.cost_usd);
  }
}

/** A cost in 10^-9 dollars, rounded up. */
export function nanoUsdOf(costUsd: string): number {
  return Number((parseDollars(costUsd) + 999n) / 1_000n);
}

function sumOf({ input_tokens: input, output_tokens: output }: RequestRecord): number | undefined {
  return input === null || output === null ? undefined : input + output;
}

/** An error of the provider, or a call that did not reach it, has cost nothing. */
function unknown(bound: number, { status, http_status: httpStatus }: RequestRecord): number {
  return status === 'failed' && httpStatus !== 200 ? 0 : bound;
}
