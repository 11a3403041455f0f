import type { Quota } from '../../quota/quota.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { CallContext } from '../context.ts';
import type { Origin } from '../settle/record.ts';
import { whenKnown } from '../when-known.ts';
import { CallNeeds } from './call-needs.ts';
import { claimsOf } from './claims.ts';
import { makeHistories } from './history.ts';
import type { Limits, LimitsOptions } from './limits-context.ts';
import { OpenReservation } from './open-reservation.ts';
import { nothingReserved, type Refused, type Reservation, type Reserve, type Sought } from './reserve.ts';
import { makeRuleSet, type Rule, type RuleSet } from './rules.ts';
import { type Taken, takeClaims } from './take-claims.ts';

/** Makes the reserve of limits, budgets and tiers. */
export function makeLimits(options: LimitsOptions): Reserve {
  const ruleSetOf = rememberRules(options.quota);
  const rulesFor = (sought: Sought) => {
    const rules = ruleSetOf(sought.context);
    return rules && findFitting(rules, sought, options.origin);
  };
  const limits: Limits = { ...options, histories: options.histories ?? makeHistories(), rulesFor };
  return (sought) => {
    const rules = rulesFor(sought);
    if (!rules) return nothingReserved;
    // After a fallback, the rules of another key may count the call.
    const mayMove = sought.context.inForce.snapshot.mayFallBack;
    return rules.length > 0 || mayMove ? reserve(limits, rules, sought) : nothingReserved;
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

function findFitting(rules: RuleSet, sought: Sought, workload: Origin | undefined): readonly Rule[] {
  const { ofOrganization, ofKeys, areForAll } = rules;
  const { model, operation, context, key } = sought;
  const ofKey = ofKeys.get(key.id);
  if (areForAll && !ofKey) return ofOrganization;
  const matched = { model, operation, user: context.caller.user, workload };
  const fitting = ofOrganization.filter(({ fits }) => !fits || fits(matched));
  for (const rule of ofKey ?? []) if (!rule.fits || rule.fits(matched)) fitting.push(rule);
  return fitting;
}

function reserve(limits: Limits, rules: readonly Rule[], sought: Sought): Reservation | Promise<Reservation> {
  const now = limits.quota.clock.now();
  const needs = new CallNeeds(sought, limits.histories);
  const claims = claimsOf(limits, rules, needs, now);
  if (!Array.isArray(claims)) return refuse(claims);
  limits.onClaims?.(claims);
  const taken = takeClaims(limits, { claims, needs, now });
  const open = (end: Taken | Refused): Reservation =>
    'problem' in end ? refuse(end) : new OpenReservation(limits, claims, needs, end.shortened, now.ms);
  return whenKnown(taken, open);
}

/** @throws {ProxyError} always */
function refuse({ problem, note }: Refused): never {
  note();
  throw problem;
}
