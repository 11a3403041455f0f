import type { BindingRules } from './binding-rules.ts';
import { parseDurationMs } from './duration.ts';
import { quotaRuleName } from './quota-rule.ts';
import type { OrganizationSpec } from './resources.generated.ts';
import type { RuleWindow } from './rule-window.ts';
import { tierCalls } from './tier-calls.ts';

type Limit = NonNullable<OrganizationSpec['limits']>[number];
type Budget = NonNullable<OrganizationSpec['budgets']>[number];
export type Tier = NonNullable<OrganizationSpec['tier']>;
export type RuleScope = Limit['per'];
/** Dollars are counted in 10⁻⁹. */
export type RuleUnit = 'requests' | 'tokens' | 'input_tokens' | 'output_tokens' | 'nano_usd' | 'concurrent';

/** The limits, budgets and tiers of an Organization. */
export type OrganizationRules = Pick<OrganizationSpec, 'limits' | 'budgets' | 'tier' | 'tiers'>;

/** What a rule of limits, budgets or tiers counts in one unit. */
export interface RuleCount {
  /** The name in the database (quota-rule.ts). */
  readonly rule: string;
  readonly kind: 'limit' | 'budget' | 'tier';
  /** The name in its resource; of a tier, its value. */
  readonly name: string;
  /** `namespace/name` of the ApiKeyBinding. Undefined: the Organization. */
  readonly binding: string | undefined;
  readonly per: RuleScope;
  readonly unit: RuleUnit;
  /** As the resource states it: a duration, or a word of the calendar. Undefined where nothing begins anew. */
  readonly stated: string | undefined;
  readonly window: RuleWindow;
  /** The limit at a time, which a raise changes. */
  readonly amountAt: (atMs: number) => number;
  /** Whether a call beyond it is refused. */
  readonly enforces: boolean;
  /** Patterns of the users that it is for. Undefined: everyone. */
  readonly users: readonly string[] | undefined;
  /** Patterns of users that it is not for, although `users` names them. */
  readonly exceptUsers: readonly string[];
  /** Percentages of the limit at which people are warned. */
  readonly warnAt: readonly number[];
  readonly raise: Budget['raise'];
}

const tokenUnits = { Total: 'tokens', Input: 'input_tokens', Output: 'output_tokens' } as const;
const nanoUsd = 1e9;

/** What the rules of an Organization count. */
export function countsOfOrganization(rules: OrganizationRules): RuleCount[] {
  const own = rules.tier ? tierCount(rules.tier, 'Organization', quotaRuleName('tier', 'organization')) : [];
  return [...own, ...countsOfUserTiers(rules.tiers ?? []), ...countsOf(rules, undefined)];
}

/** What the rules of an ApiKeyBinding count. @param binding `namespace/name` */
export function countsOfBinding(rules: BindingRules, binding: string): RuleCount[] {
  const own = rules.tier ? tierCount(rules.tier, 'Key', quotaRuleName('tier', 'key', binding), { binding }) : [];
  return [...own, ...countsOf(rules, binding)];
}

/** The first entry that fits a user applies. */
function countsOfUserTiers(tiers: NonNullable<OrganizationRules['tiers']>): RuleCount[] {
  return tiers.flatMap(({ tier, users }, at) =>
    tierCount(tier, 'User', quotaRuleName('tier', `user-${tier}`), {
      users,
      exceptUsers: tiers.slice(0, at).flatMap((earlier) => earlier.users),
    }),
  );
}

function tierCount(tier: Tier, per: RuleScope, rule: string, others: Partial<RuleCount> = {}): RuleCount[] {
  if (tier === 'enterprise') return [];
  const stated = { ...basics, kind: 'tier', name: tier, per, rule, enforces: true } as const;
  return [{ ...stated, ...requestsIn('1h', tierCalls[tier]), ...others }];
}

const basics = {
  binding: undefined,
  users: undefined,
  exceptUsers: [],
  warnAt: [],
  raise: undefined,
} as const;

function requestsIn(window: string, count: number) {
  return { unit: 'requests', ...fixed(window), amountAt: () => count } as const;
}

function fixed(window: string): Pick<RuleCount, 'stated' | 'window'> {
  return { stated: window, window: { kind: 'fixed', lengthMs: parseDurationMs(window) } };
}

function countsOf({ limits = [], budgets = [] }: BindingRules | OrganizationRules, binding: string | undefined) {
  return [
    ...limits.flatMap((limit) => countsOfLimit(limit, binding)),
    ...budgets.map((budget) => countOfBudget(budget, binding)),
  ];
}

function countsOfLimit({ name, per, match, requests, tokens, concurrent, action }: Limit, binding: string | undefined) {
  const rule = quotaRuleName('limits', name, binding);
  const stated = { ...basics, rule, kind: 'limit', name, binding, per, users: match?.users } as const;
  const of = { ...stated, enforces: action !== 'Report' };
  const counts: RuleCount[] = [];
  if (requests) counts.push({ ...of, ...requestsIn(requests.window, requests.count) });
  if (tokens) {
    counts.push({ ...of, unit: tokenUnits[tokens.of], ...fixed(tokens.window), amountAt: () => tokens.count });
  }
  if (concurrent !== undefined) {
    counts.push({
      ...of,
      unit: 'concurrent',
      stated: undefined,
      window: { kind: 'total' },
      amountAt: () => concurrent,
    });
  }
  return counts;
}

function countOfBudget(budget: Budget, binding: string | undefined): RuleCount {
  const { name, per, match, amountUsd, raise, window, startDay = 1, warnAt, action } = budget;
  const windows = {
    Day: { kind: 'day' },
    Week: { kind: 'week', startDay },
    Month: { kind: 'month', startDay },
    Total: { kind: 'total' },
  } as const;
  const amount = toNanoUsd(amountUsd);
  const raised = raise && { amount: amount + toNanoUsd(raise.byUsd), untilMs: Date.parse(raise.until) };
  return {
    ...{ ...basics, rule: quotaRuleName('budgets', name, binding), kind: 'budget', name, binding, per, warnAt, raise },
    ...{ unit: 'nano_usd', stated: window, window: windows[window], users: match?.users, enforces: action !== 'Warn' },
    amountAt: (atMs) => (raised && atMs < raised.untilMs ? raised.amount : amount),
  };
}

/** The schema allows ten decimals, of which the last is cut off. */
function toNanoUsd(dollars: string): number {
  const [whole = '0', decimals = ''] = dollars.split('.');
  return Number(whole) * nanoUsd + Number(decimals.padEnd(9, '0').slice(0, 9));
}
