import type { PendingQuota } from '../../../database/pending-calls.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import type { Body } from '../../providers/json.ts';
import { whenKnown } from '../when-known.ts';
import type { CallNeeds } from './call-needs.ts';
import { countsOf } from './counts.ts';
import type { Limits } from './limits-context.ts';
import { type Move, pendingQuotaOf, planMove, shareOut } from './move.ts';
import { rateHeaders } from './rate-headers.ts';
import type { Refused, Reservation, Sought } from './reserve.ts';
import type { RuledClaim } from './rules.ts';
import { usedOf } from './settle-quota.ts';
import type { Shortened } from './shorten.ts';
import { takeClaims } from './take-claims.ts';

/** A reservation whose claims are all taken. */
export class OpenReservation implements Reservation {
  quota: string | undefined;
  headers: Readonly<Record<string, string>> | undefined;
  changes: Body | undefined;
  readonly #limits: Limits;
  #claims: readonly RuledClaim[];
  #needs: CallNeeds;
  /** Set where another attempt has taken the place of one that failed, and that changed what is reserved. */
  #move: Move | undefined;
  #shortened: Shortened | undefined;

  constructor(
    limits: Limits,
    claims: readonly RuledClaim[],
    needs: CallNeeds,
    shortened: Shortened | undefined,
    nowMs: number,
  ) {
    this.#limits = limits;
    this.#claims = claims;
    this.#needs = needs;
    this.#show(shortened, nowMs);
  }

  moveTo(sought: Sought, failedNanoUsd: number): Refused | undefined | Promise<Refused | undefined> {
    const limits = this.#limits;
    const plan = planMove(limits, sought, failedNanoUsd, this.#claims, this.#move);
    if (!plan) return undefined;
    if ('problem' in plan) return plan;
    return whenKnown(takeClaims(limits, plan.asked), (taken) => {
      if ('problem' in taken) return taken;
      const now = limits.quota.clock.now();
      this.#move = plan.commit(now.ticks);
      this.#claims = [...plan.kept, ...plan.asked.claims];
      this.#needs = plan.asked.needs;
      this.#show(taken.shortened, now.ms);
      return undefined;
    });
  }

  pendingQuota(): PendingQuota {
    return pendingQuotaOf(this.#claims, this.#move, this.#limits.quota.pendingLeaseId);
  }

  settle(record: RequestRecord): void {
    const { quota } = this.#limits;
    const isOver = record.duration_ms !== null;
    const nowTicks = quota.clock.ticks();
    const used = this.#move && isOver ? shareOut(this.#claims, this.#move, record) : undefined;
    const pending: RuledClaim[] = [];
    for (const claim of this.#claims) {
      const { slice, amount } = claim;
      const { unit } = slice.counter;
      if (unit !== 'concurrent' && !isOver) {
        pending.push(claim);
        continue;
      }
      claim.amount = used ? (used.get(claim) ?? 0) : usedOf(unit, amount, record);
      slice.settle(amount, claim.amount, nowTicks);
    }
    if (!isOver) {
      // What failed attempts have cost is in the pending call, too.
      const ended = this.#move?.ended ?? [];
      for (const { slice } of ended) slice.reopen();
      quota.handOver([...pending, ...ended]);
      return;
    }
    const counts = this.#counts();
    if (counts !== undefined) record.quota = counts;
    else if (this.#move) delete record.quota;
    this.#needs.learn(record);
  }

  release(): void {
    const nowTicks = this.#limits.quota.clock.ticks();
    for (const { slice, amount } of this.#claims) slice.settle(amount, 0, nowTicks);
  }

  /** @param shortened what is new of it: an answer stays as short as an earlier attempt had to make it */
  #show(shortened: Shortened | undefined, nowMs: number): void {
    if (shortened) this.#shortened = shortened;
    const rates = rateHeaders(this.#claims, nowMs);
    this.headers = this.#shortened ? { ...rates, ...this.#shortened.headers } : rates;
    this.changes = this.#shortened?.changes;
    this.quota = this.#counts();
  }

  #counts(): string | undefined {
    return countsOf(this.#move ? [...this.#claims, ...this.#move.ended] : this.#claims);
  }
}
