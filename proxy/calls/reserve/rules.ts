import { parseDurationMs } from '../../../crds/duration.ts';
import { quotaRuleName } from '../../../crds/quota-rule.ts';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import type { RuleWindow } from '../../../crds/rule-window.ts';
import { tierCalls } from '../../../crds/tier-calls.ts';
import type { QuotaScope, QuotaUnit } from '../../../database/quota.ts';
import { parseDollars } from '../../prices/price-card.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import type { Claim, Claimant } from '../../quota/claim.ts';
import type { Counted, CountedSlices } from '../../quota/counted.ts';
import type { Quota } from '../../quota/quota.ts';
import { makeMatcher } from '../../snapshot/model-rules.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';

type Limit = NonNullable<OrganizationSpec['limits']>[number];
type Budget = NonNullable<OrganizationSpec['budgets']>[number];
type Match = NonNullable<Limit['match']>;
type Tier = NonNullable<OrganizationSpec['tier']>;

/** What rules match calls by. */
export interface Matched {
  readonly model: string | undefined;
  readonly operation: OperationName;
  /** External id. */
  readonly user: string | undefined;
  /** Of the pod that this proxy serves. */
  readonly workload: { readonly namespace: string; readonly workload: string } | undefined;
}

type Fits = (call: Matched) => boolean;

/** A limit, a budget or a tier in force. */
export interface Rule {
  /** As its resource states it. */
  readonly name: string;
  readonly kind: 'limit' | 'budget' | 'tier';
  readonly per: QuotaScope;
  /** Undefined: every call does. */
  readonly fits: Fits | undefined;
  readonly counts: readonly Count[];
  readonly enforces: boolean;
  readonly allowsUnavailable: boolean;
  /** Of a budget: whether it shortens answers, and whether a call without a known price is made. */
  readonly shortens: boolean;
  readonly allowsUnpriced: boolean;
}

/** What a rule counts in one unit. */
export interface Count extends Claimant {
  readonly rule: Rule;
  readonly unit: QuotaUnit;
  readonly slices: CountedSlices;
}

/** A claim of a call, with the rule that makes it. */
export type RuledClaim = Claim<Count>;

/** The rules of a configuration. */
export interface RuleSet {
  readonly ofOrganization: readonly Rule[];
  /** Whether these apply to every call. */
  readonly areForAll: boolean;
  /** The rules of ApiKeyBindings, by the key's id. */
  readonly ofKeys: ReadonlyMap<string, readonly Rule[]>;
}

/** A rule with what it counts, before the leases are known. */
export interface StatedRule extends Omit<Rule, 'counts'> {
  readonly counted: readonly Counted[];
}

/** Makes the rules of a configuration. Leases of rules that stay are kept. @returns undefined: there are none */
export function makeRuleSet(snapshot: Pick<Snapshot, 'spec' | 'keys'>, quota: Quota): RuleSet | undefined {
  const { organization, keys } = statedRules(snapshot);
  const all = [...organization, ...keys.flatMap(([, rules]) => rules)];
  const slices = quota.use(all.flatMap(({ counted }) => counted));
  if (all.length === 0) return undefined;
  const open = ({ counted, ...stated }: StatedRule): Rule => {
    const counts: Count[] = [];
    const rule: Rule = { ...stated, counts };
    const { enforces, allowsUnavailable } = rule;
    for (const one of counted) counts.push({ rule, unit: one.unit, slices: slices(one), enforces, allowsUnavailable });
    return rule;
  };
  return {
    ofOrganization: organization.map(open),
    areForAll: organization.every(({ fits }) => !fits),
    ofKeys: new Map(keys.filter(([, rules]) => rules.length > 0).map(([id, rules]) => [id, rules.map(open)])),
  };
}

/** The rules that a configuration states, of the Organization and by the ids of keys. */
export function statedRules({ spec, keys }: Pick<Snapshot, 'spec' | 'keys'>): {
  readonly organization: readonly StatedRule[];
  readonly keys: readonly (readonly [id: string, rules: readonly StatedRule[]])[];
} {
  return {
    organization: [...tiersOf(spec), ...statedOf(spec, undefined)],
    keys: [...keys.values()].map((key) => [key.id, statedOfKey(key)] as const),
  };
}

function statedOfKey({ binding, rules }: RoutedKey): StatedRule[] {
  if (!rules) return [];
  const tier = rules.tier && tierRule(rules.tier, 'Key', quotaRuleName('tier', 'key', binding), undefined);
  return [...(tier ? [tier] : []), ...statedOf(rules, binding)];
}

function statedOf(
  { limits = [], budgets = [] }: Pick<OrganizationSpec, 'limits' | 'budgets'>,
  binding: string | undefined,
) {
  return [
    ...limits.map((limit) => limitRule(limit, quotaRuleName('limits', limit.name, binding))),
    ...budgets.map((budget) => budgetRule(budget, quotaRuleName('budgets', budget.name, binding))),
  ];
}

function limitRule(limit: Limit, rule: string): StatedRule {
  const { name, per, match, requests, tokens, concurrent } = limit;
  const counted: Counted[] = [];
  const fixed = (window: string): RuleWindow => ({ kind: 'fixed', lengthMs: parseDurationMs(window) });
  const add = (unit: QuotaUnit, window: RuleWindow, amount: number) =>
    counted.push({ rule, unit, per, window, amountAt: () => amount });
  if (requests) add('requests', fixed(requests.window), requests.count);
  if (tokens) add(tokenUnits[tokens.of], fixed(tokens.window), tokens.count);
  if (concurrent !== undefined) add('concurrent', { kind: 'total' }, concurrent);
  return {
    ...{ name, kind: 'limit', per, counted, fits: makeFits(match), enforces: limit.action !== 'Report' },
    ...{ allowsUnavailable: limit.whenUnavailable !== 'Deny', shortens: false, allowsUnpriced: true },
  };
}

const tokenUnits = { Total: 'tokens', Input: 'input_tokens', Output: 'output_tokens' } as const;

function budgetRule(budget: Budget, rule: string): StatedRule {
  const { name, per, match, amountUsd, raise, startDay = 1 } = budget;
  const amount = toNanoUsd(amountUsd);
  const raised = raise && { amount: amount + toNanoUsd(raise.byUsd), untilMs: Date.parse(raise.until) };
  const windows = {
    Day: { kind: 'day' },
    Week: { kind: 'week', startDay },
    Month: { kind: 'month', startDay },
    Total: { kind: 'total' },
  } as const;
  const amountAt = (nowMs: number) => (raised && nowMs < raised.untilMs ? raised.amount : amount);
  const counted: Counted[] = [{ rule, unit: 'nano_usd', per, window: windows[budget.window], amountAt }];
  return {
    ...{ name, kind: 'budget', per, counted, fits: makeFits(match), enforces: budget.action !== 'Warn' },
    ...{ allowsUnavailable: budget.whenUnavailable !== 'Deny', shortens: budget.onShortfall === 'Shorten' },
    allowsUnpriced: budget.unpriced === 'Allow' || budget.action === 'Warn',
  };
}

/** 10^-9 dollars. The schema allows ten decimals, of which the last is cut off. */
function toNanoUsd(dollars: string): number {
  return Number(parseDollars(dollars) / 1_000n);
}

/** The tier of the organization, and those of its users: the first entry that fits a user applies. */
function tiersOf({ tier, tiers = [] }: OrganizationSpec): StatedRule[] {
  const own = tier && tierRule(tier, 'Organization', quotaRuleName('tier', 'organization'), undefined);
  const matchers = tiers.map(({ users }) => makeMatcher(users));
  const ofUsers = tiers.flatMap((entry, at) => {
    const fits = ({ user }: Matched) => user !== undefined && matchers.findIndex((matches) => matches(user)) === at;
    const rule = tierRule(entry.tier, 'User', quotaRuleName('tier', `user-${entry.tier}`), fits);
    return rule ? [rule] : [];
  });
  return own ? [own, ...ofUsers] : ofUsers;
}

function tierRule(tier: Tier, per: QuotaScope, rule: string, fits: Fits | undefined): StatedRule | undefined {
  if (tier === 'enterprise') return undefined;
  const window: RuleWindow = { kind: 'fixed', lengthMs: 3_600_000 };
  const counted: Counted[] = [{ rule, unit: 'requests', per, window, amountAt: () => tierCalls[tier] }];
  return {
    ...{ name: `the tier ${tier}`, kind: 'tier', per, counted, fits, enforces: true, allowsUnavailable: true },
    ...{ shortens: false, allowsUnpriced: true },
  };
}

/** A call must fit every field that is present. */
function makeFits(match: Match | undefined): Fits | undefined {
  if (!match) return undefined;
  const { models, operations, users, workloads } = match;
  const tests: Fits[] = [];
  if (operations) {
    const wanted = new Set<string>(operations);
    tests.push(({ operation }) => wanted.has(operation));
  }
  if (models) {
    const matches = makeMatcher(models);
    tests.push(({ model }) => model !== undefined && matches(model));
  }
  if (users) {
    const matches = makeMatcher(users);
    tests.push(({ user }) => user !== undefined && matches(user));
  }
  if (workloads) {
    const matches = makeMatcher(workloads);
    tests.push(
      ({ workload: from }) =>
        from !== undefined && (matches(from.namespace) || matches(`${from.namespace}/${from.workload}`)),
    );
  }
  const [only] = tests;
  return tests.length === 1 && only ? only : (call) => tests.every((fits) => fits(call));
}
