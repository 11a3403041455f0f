import { countPrefix } from '../../../database/quota.ts';
import type { RuledClaim } from './rules.ts';

/**
 * What a call counts as, as in `RequestRecord.quota`.
 *
 * @param leaseId instead of those of the claims
 */
export function countsOf(claims: readonly RuledClaim[], leaseId?: number): string | undefined {
  let counts = '';
  for (const { slice, amount } of claims) {
    const { unit } = slice.counter;
    if (unit === 'concurrent') continue;
    const prefix = leaseId === undefined ? slice.countPrefix : countPrefix(unit, slice.counterId, leaseId);
    counts += counts === '' ? prefix + amount : `,${prefix}${amount}`;
  }
  return counts === '' ? undefined : counts;
}
