import type { QuotaScope, QuotaUnit } from '../../../database/quota.ts';
import type { Moment } from '../../quota/database-clock.ts';
import type { Origin } from '../settle/record.ts';
import type { CallNeeds } from './call-needs.ts';
import type { Limits } from './limits-context.ts';
import { unpricedRefusal } from './refusal.ts';
import type { Refused, Sought } from './reserve.ts';
import type { Rule, RuledClaim } from './rules.ts';

/** What a call asks of the counters of these rules. @returns the refusal, where its price is unknown and must not be */
export function claimsOf(
  { quota, origin, onLimited }: Limits,
  rules: readonly Rule[],
  needs: CallNeeds,
  now: Moment,
): RuledClaim[] | Refused {
  const { sought } = needs;
  const claims: RuledClaim[] = [];
  for (const rule of rules) {
    for (const count of rule.counts) {
      if (!isCounted(count.unit, sought)) continue;
      const amount = needs.of(count.unit, rule);
      if (amount === undefined) return { problem: unpricedRefusal(rule, sought.model), note: () => onLimited(rule) };
      if (amount === 0) continue;
      const claim = quota.claim(count, count.slices, scopeOf(rule.per, sought, origin), amount, now);
      if (rule.shortens) claim.smallest = Math.min(amount, needs.shortest());
      claims.push(claim);
    }
  }
  return claims;
}

function isCounted(unit: QuotaUnit, { isUncounted, isReplayed }: Sought): boolean {
  if (unit === 'concurrent') return true;
  return !isUncounted && (!isReplayed || unit === 'requests');
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
