import type { QuotaScope, QuotaUnit } from '../../../database/quota.ts';
import type { Shortfall } from '../../quota/claim.ts';
import type { Quota } from '../../quota/quota.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { CallContext } from '../context.ts';
import type { Origin } from '../settle/record.ts';
import { CallNeeds } from './call-needs.ts';
import { type Histories, makeHistories } from './history.ts';
import { OpenReservation } from './open-reservation.ts';
import { rateHeaders } from './rate-headers.ts';
import { refusalOf, unpricedRefusal } from './refusal.ts';
import { nothingReserved, type Reservation, type Reserve, type Sought } from './reserve.ts';
import { makeRuleSet, type Rule, type RuledClaim, type RuleSet } from './rules.ts';
import { shorten } from './shorten.ts';

export interface LimitsOptions {
  readonly quota: Quota;
  /** The pod of this proxy's calls. */
  readonly origin: Origin | undefined;
  /** Called with each rule that refused a call, or would have refused it if it were enforced. */
  readonly onLimited: (rule: Rule) => void;
  /** What earlier calls were like. Absent: nothing is known yet. */
  readonly histories?: Histories;
  /** Hears of what a call asks for, before it is taken. Absent: nobody listens. */
  readonly onClaims?: (claims: readonly RuledClaim[]) => void;
}

/** The rules in force, and what earlier calls were like. */
interface Limits extends LimitsOptions {
  readonly histories: Histories;
}

/** Makes the reserve of limits, budgets and tiers. */
export function makeLimits(options: LimitsOptions): Reserve {
  const limits: Limits = { ...options, histories: options.histories ?? makeHistories() };
  const ruleSetOf = rememberRules(options.quota);
  return (sought) => {
    const rules = ruleSetOf(sought.context);
    if (!rules) return nothingReserved;
    const fitting = findFitting(rules, sought, options.origin);
    return fitting.length === 0 ? nothingReserved : reserve(limits, fitting, sought);
  };
}

/**
 * Rules of the newest configuration. A call keeps its configuration to its end, and one that began before the newest came
 * must not bring earlier rules back.
 */
function rememberRules(quota: Quota): (context: CallContext) => RuleSet | undefined {
  let newest: Snapshot | undefined;
  let sinceMs = 0;
  let rules: RuleSet | undefined;
  return ({ inForce: { snapshot }, startedAtMs }) => {
    if (snapshot === newest || startedAtMs < sinceMs) return rules;
    newest = snapshot;
    sinceMs = startedAtMs;
    rules = makeRuleSet(snapshot, quota);
    return rules;
  };
}

function findFitting({ ofOrganization, ofKeys }: RuleSet, sought: Sought, workload: Origin | undefined): Rule[] {
  const { model, operation, context, key } = sought;
  const matched = { model, operation, user: context.caller.user, workload };
  const fitting: Rule[] = [];
  for (const rule of ofOrganization) if (rule.fits(matched)) fitting.push(rule);
  for (const rule of ofKeys.get(key.id) ?? []) if (rule.fits(matched)) fitting.push(rule);
  return fitting;
}

function reserve(limits: Limits, rules: readonly Rule[], sought: Sought): Reservation | Promise<Reservation> {
  const { quota } = limits;
  const now = quota.clock.now();
  const needs = new CallNeeds(sought, limits.histories);
  const claims: RuledClaim[] = [];
  for (const rule of rules) {
    for (const count of rule.counts) {
      if (!isCounted(count.unit, sought)) continue;
      const amount = needs.of(count.unit, rule);
      if (amount === undefined) {
        limits.onLimited(rule);
        throw unpricedRefusal(rule, sought.model);
      }
      if (amount === 0) continue;
      const claim = quota.claim(count, count.slices, scopeOf(rule.per, sought, limits.origin), amount, now);
      if (rule.shortens) claim.smallest = Math.min(amount, needs.shortest());
      claims.push(claim);
    }
  }
  limits.onClaims?.(claims);
  const taken = quota.take(claims, now);
  if (!taken) return new OpenReservation(quota, claims, needs, undefined, now.ms);
  if (!(taken instanceof Promise)) return conclude(limits, claims, needs, taken);
  return taken.then((shortfalls) => conclude(limits, claims, needs, shortfalls));
}

function isCounted(unit: QuotaUnit, { isUncounted, isReplayed }: Sought): boolean {
  if (unit === 'concurrent') return true;
  return !isUncounted && (!isReplayed || unit === 'requests');
}

/** Makes the reservation, refuses the call, or shortens its answer. */
function conclude(
  { quota, onLimited }: Limits,
  claims: readonly RuledClaim[],
  needs: CallNeeds,
  shortfalls: readonly Shortfall[] = [],
): Reservation {
  const isRefused = shortfalls.some(({ claim }) => claim.by.enforces);
  const shortened = isRefused ? shorten(quota, claims, needs.sought, needs.tokens(), needs.tokenCost()) : undefined;
  for (const claim of claims) {
    if (!shortened && shortfalls.some((shortfall) => shortfall.claim === claim)) onLimited(claim.by.rule);
  }
  const nowMs = quota.clock.now().ms;
  if (isRefused && !shortened) throw refusalOf(shortfalls, claims, rateHeaders(claims, nowMs), nowMs);
  return new OpenReservation(quota, claims, needs, shortened, nowMs);
}

function scopeOf(per: QuotaScope, { context, key, model }: Sought, workload: Origin | undefined): string {
  const { caller } = context;
  switch (per) {
    case 'Organization':
      return '';
    case 'User':
      return caller.userId;
    case 'Key':
      return key.id;
    case 'Model':
      return (model ?? '').slice(0, 200);
    case 'Workload':
      return workload ? `${workload.namespace}/${workload.workload}` : '';
    case 'Session':
      return `${caller.userId}/${caller.sessionId.slice(0, 128)}`;
  }
}
