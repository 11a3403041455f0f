import type { PendingQuota } from '../../../database/pending-calls.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import type { Asked, HeldAmount } from './asked.ts';
import { CallNeeds } from './call-needs.ts';
import { claimsOf } from './claims.ts';
import { countsOf } from './counts.ts';
import type { Limits } from './limits-context.ts';
import type { Refused, Sought } from './reserve.ts';
import type { RuledClaim } from './rules.ts';
import { finalUnit, usedSince } from './settle-quota.ts';

/** What attempts that failed have left in a reservation. */
export interface Move {
  /** Claims that only a former key had, and whose failed attempts were billed. Their amounts are final. */
  readonly ended: readonly RuledClaim[];
  /** What had failed attempts cost before a claim was there, in 10^-9 dollars. Without an entry: 0. */
  readonly before: ReadonlyMap<RuledClaim, number>;
}

/** How a reservation would change for another attempt. */
export interface Plan {
  /** Claims that the call has, and keeps. */
  readonly kept: readonly RuledClaim[];
  /** What it needs beside them: claims of its own for what lacks of the same counter, too. */
  readonly asked: Asked;
  /** Gives back what is not kept. To be called once what is asked for is taken. */
  readonly commit: (nowTicks: number) => Move;
}

/**
 * Compares what a call has reserved with what another attempt needs.
 *
 * @param failedNanoUsd what the attempts that failed have cost so far
 * @returns undefined where the reservation is enough as it is
 */
export function planMove(
  limits: Limits,
  sought: Sought,
  failedNanoUsd: number,
  claims: readonly RuledClaim[],
  former: Move | undefined,
): Plan | Refused | undefined {
  const now = limits.quota.clock.now();
  const needs = new CallNeeds(sought, limits.histories);
  const wanted = claimsOf(limits, limits.rulesFor(sought) ?? [], needs, now);
  if (!Array.isArray(wanted)) return wanted;
  const kept: RuledClaim[] = [];
  const lacking: RuledClaim[] = [];
  const held = new Map<RuledClaim, HeldAmount>();
  for (const claim of wanted) {
    const present = claims.filter((each) => isOfSameCounter(each, claim));
    const [first] = present;
    kept.push(...present);
    const spent = first ? costSince(first, failedNanoUsd, former) : 0;
    const amount = totalOf(present);
    claim.amount += spent - amount;
    claim.smallest += spent - amount;
    if (claim.amount <= 0) continue;
    if (first) held.set(claim, { amount, spent });
    lacking.push(claim);
  }
  const left = claims.filter((claim) => !kept.includes(claim));
  if (lacking.length === 0 && left.length === 0) return undefined;
  const commit = (nowTicks: number): Move => {
    const before = new Map(former?.before);
    for (const claim of lacking) if (!held.has(claim)) before.set(claim, failedNanoUsd);
    const billed = share(left, (first) => costSince(first, failedNanoUsd, former));
    for (const claim of left) {
      const used = billed.get(claim) ?? 0;
      claim.slice.settle(claim.amount, used, nowTicks);
      claim.amount = used;
    }
    return { ended: [...(former?.ended ?? []), ...left.filter(({ amount }) => amount > 0)], before };
  };
  return { kept, asked: { claims: lacking, needs, now, held }, commit };
}

/** How much of each claim a call has used in all, where several claims are of one counter. */
export function shareOut(
  claims: readonly RuledClaim[],
  move: Move,
  record: RequestRecord,
): ReadonlyMap<RuledClaim, number> {
  return share(claims, (first, bound) =>
    usedSince(move.before.get(first) ?? 0, first.slice.counter.unit, bound, record),
  );
}

/** What is kept of a call that the provider works on: its record then tells what it has used of each counter. */
export function pendingQuotaOf(claims: readonly RuledClaim[], move: Move | undefined, leaseId: number): PendingQuota {
  const counters = byCounter(claims).flatMap((same) => {
    const [first] = same;
    return first ? [{ ...first, amount: totalOf(same), before: move?.before.get(first) ?? 0 }] : [];
  });
  const final = (move?.ended ?? []).map(({ slice, amount }) => `${finalUnit},${slice.counterId},${leaseId},${amount}`);
  const counts = [countsOf(counters, leaseId), ...final].filter((count) => count !== undefined);
  const before = counters
    .filter(({ slice, before }) => slice.counter.unit === 'nano_usd' && before > 0)
    .map(({ slice, before }) => `${slice.counterId},${before}`);
  return {
    ...(counts.length > 0 && { quota: counts.join(',') }),
    ...(before.length > 0 && { quota_before: before.join(',') }),
  };
}

/** Shares what was used of each counter among its claims: what is beyond their bounds is the last one's. */
function share(
  claims: readonly RuledClaim[],
  usedOfCounter: (first: RuledClaim, bound: number) => number,
): ReadonlyMap<RuledClaim, number> {
  const shares = new Map<RuledClaim, number>();
  for (const same of byCounter(claims)) {
    const [first] = same;
    let rest = first ? Math.max(0, usedOfCounter(first, totalOf(same))) : 0;
    for (const claim of same) {
      const isLast = claim === same.at(-1);
      const used = isLast ? rest : Math.min(rest, claim.amount);
      shares.set(claim, used);
      rest -= used;
    }
  }
  return shares;
}

function byCounter(claims: readonly RuledClaim[]): RuledClaim[][] {
  const counters: RuledClaim[][] = [];
  for (const claim of claims) {
    const same = counters.find(([first]) => first && isOfSameCounter(first, claim));
    if (same) same.push(claim);
    else counters.push([claim]);
  }
  return counters;
}

/** Whether both are what a rule counts of one scope. A window may have ended between them. */
function isOfSameCounter(one: RuledClaim, other: RuledClaim): boolean {
  return one.slices === other.slices && one.scope === other.scope;
}

/** What attempts have cost since a claim was there, in the unit of the claim. Their tokens are in no sum. */
function costSince(claim: RuledClaim, failedNanoUsd: number, move: Move | undefined): number {
  return claim.slice.counter.unit === 'nano_usd' ? failedNanoUsd - (move?.before.get(claim) ?? 0) : 0;
}

function totalOf(claims: readonly RuledClaim[]): number {
  return claims.reduce((sum, { amount }) => sum + amount, 0);
}
