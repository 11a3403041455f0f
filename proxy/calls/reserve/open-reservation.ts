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

  settle(record: RequestRecord): void {
    const isOver = record.duration_ms !== null;
    const nowTicks = this.#quota.clock.ticks();
    for (const claim of this.#claims) {
      const { slice, amount } = claim;
      const { unit } = slice.counter;
      // What the provider works on stays reserved until its end is counted.
      if (unit === 'concurrent') claim.amount = 0;
      else if (isOver) claim.amount = usedOf(unit, amount, record);
      slice.settle(amount, claim.amount, nowTicks);
    }
    if (!isOver) return;
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
function countsOf(claims: readonly RuledClaim[]): string | undefined {
  let counts = '';
  for (const { slice, amount } of claims) {
    if (slice.counter.unit === 'concurrent') continue;
    counts += counts === '' ? slice.countPrefix + amount : `,${slice.countPrefix}${amount}`;
  }
  return counts === '' ? undefined : counts;
}
