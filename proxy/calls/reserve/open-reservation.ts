import { countPrefix } from '../../../database/quota.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import type { Quota } from '../../quota/quota.ts';
import type { CallNeeds } from './call-needs.ts';
import { rateHeaders } from './rate-headers.ts';
import type { Reservation } from './reserve.ts';
import type { RuledClaim } from './rules.ts';
import { usedOf } from './settle-quota.ts';
import type { Shortened } from './shorten.ts';

/** A reservation whose claims are all taken. */
export class OpenReservation implements Reservation {
  readonly quota: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly changes: Reservation['changes'];
  readonly #quota: Quota;
  readonly #claims: readonly RuledClaim[];
  readonly #needs: CallNeeds;

  constructor(
    quota: Quota,
    claims: readonly RuledClaim[],
    needs: CallNeeds,
    shortened: Shortened | undefined,
    nowMs: number,
  ) {
    this.#quota = quota;
    this.#claims = claims;
    this.#needs = needs;
    this.changes = shortened?.changes;
    const rates = rateHeaders(claims, nowMs);
    this.headers = shortened ? { ...rates, ...shortened.headers } : rates;
    this.quota = countsOf(claims);
  }

  pendingQuota(): string | undefined {
    return countsOf(this.#claims, this.#quota.pendingLeaseId);
  }

  settle(record: RequestRecord): void {
    const isOver = record.duration_ms !== null;
    const nowTicks = this.#quota.clock.ticks();
    const pending: RuledClaim[] = [];
    for (const claim of this.#claims) {
      const { slice, amount } = claim;
      const { unit } = slice.counter;
      if (unit !== 'concurrent' && !isOver) {
        pending.push(claim);
        continue;
      }
      claim.amount = usedOf(unit, amount, record);
      slice.settle(amount, claim.amount, nowTicks);
    }
    if (!isOver) {
      this.#quota.handOver(pending);
      return;
    }
    const counts = countsOf(this.#claims);
    if (counts !== undefined) record.quota = counts;
    this.#needs.learn(record);
  }

  release(): void {
    const nowTicks = this.#quota.clock.ticks();
    for (const { slice, amount } of this.#claims) slice.settle(amount, 0, nowTicks);
  }
}

/** As in `RequestRecord.quota`. */
function countsOf(claims: readonly RuledClaim[], leaseId?: number): string | undefined {
  let counts = '';
  for (const { slice, amount } of claims) {
    const { unit } = slice.counter;
    if (unit === 'concurrent') continue;
    const prefix = leaseId === undefined ? slice.countPrefix : countPrefix(unit, slice.counterId, leaseId);
    counts += counts === '' ? prefix + amount : `,${prefix}${amount}`;
  }
  return counts === '' ? undefined : counts;
}
