import type { ApiKeyBinding, Organization, OrganizationSpec } from '../../crds/resources.generated.ts';
import type { IsListed } from '../known-models.ts';
import { matchesPattern } from '../patterns.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { type MatchScope, whyNobody, whyUnmatched } from './match.ts';

type Rules = Pick<OrganizationSpec, 'limits' | 'budgets' | 'tiers'>;

/** The condition about the limits and budgets of a resource. */
export interface RulesVerdict {
  /** Undefined where there are no rules. Nothing else depends on it. */
  readonly verdict: Verdict | undefined;
  /** When time alone changes it. */
  readonly nextMs: number | undefined;
}

const type = 'RulesEffective';

/** Judges the rules of an Organization. */
export function judgeOrganizationRules(
  { spec, status }: Pick<Organization, 'spec' | 'status'>,
  namespaces: readonly string[],
  nowMs: number,
  isListed: IsListed,
): RulesVerdict {
  const scope = { spec, namespaces, isListed };
  const had = status?.conditions?.some((condition) => condition.type === type) ?? false;
  return judge(spec, findUnmatched(spec, scope), nowMs, had);
}

/** Judges the rules of an ApiKeyBinding. @param namespaces the namespaces whose pods it serves */
export function judgeBindingRules(
  { spec }: Pick<ApiKeyBinding, 'spec'>,
  organization: Pick<Organization, 'spec' | 'metadata'>,
  namespaces: readonly string[],
  nowMs: number,
  isListed: IsListed,
): RulesVerdict {
  const taken = findTaken(spec, organization);
  if (taken.length > 0) {
    const problem: Verdict = {
      type: 'RulesEffective',
      status: false,
      reason: 'RuleNameTaken',
      message: `The Organization "${organization.metadata.name}" has rules of the same names, so refusals and metrics do not tell them apart: ${list(taken)}. All of them are in force. Rename those of this binding.`,
    };
    return { verdict: problem, nextMs: nextRaiseEnd(spec, nowMs) };
  }
  const only = { user: spec.user, models: spec.models };
  const scope: MatchScope = { spec: organization.spec, namespaces, isListed, ...only };
  return judge(spec, findUnmatched(spec, scope), nowMs, false);
}

function judge(rules: Rules, unmatched: readonly string[], nowMs: number, had: boolean): RulesVerdict {
  const { limits = [], budgets = [], tiers = [] } = rules;
  const nextMs = nextRaiseEnd(rules, nowMs);
  if (unmatched.length > 0) {
    const problem: Verdict = {
      type: 'RulesEffective',
      status: false,
      reason: 'RuleMatchesNothing',
      message: `No call can fit these parts of rules: ${list(unmatched)}. Correct or remove them.`,
    };
    return { verdict: problem, nextMs };
  }
  const ended = budgets.filter(({ raise }) => raise && Date.parse(raise.until) <= nowMs);
  if (ended.length > 0) {
    const problem: Verdict = {
      type: 'RulesEffective',
      status: false,
      reason: 'RaiseEnded',
      message: `The raise of these budgets has ended, so their own amounts are in force again: ${list(ended.map(({ name, raise }) => `${name} (until ${raise?.until})`))}. Remove raise, or set another until.`,
    };
    return { verdict: problem, nextMs };
  }
  if (limits.length + budgets.length + tiers.length === 0 && !had) return { verdict: undefined, nextMs };
  return { verdict: { type, status: true, reason: 'Effective', message: 'Calls can fit every rule.' }, nextMs };
}

/** Milliseconds until the next raise ends. */
function nextRaiseEnd({ budgets = [] }: Pick<Rules, 'budgets'>, nowMs: number): number | undefined {
  const ends = budgets.flatMap(({ raise }) => (raise ? [Date.parse(raise.until) - nowMs] : []));
  const ahead = ends.filter((end) => end > 0);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}

function findUnmatched({ limits = [], budgets = [], tiers = [] }: Rules, scope: MatchScope): string[] {
  const rules = [
    ...limits.map(({ name, match }) => ({ label: `limit ${name}`, match })),
    ...budgets.map(({ name, match }) => ({ label: `budget ${name}`, match })),
  ];
  return [
    ...rules.flatMap(({ label, match }) => whyUnmatched(match, scope).map((why) => `${label}, ${why}`)),
    ...tiers.flatMap(({ users, tier }) => whyNobody({ users }, scope.namespaces).map((why) => `tier ${tier}, ${why}`)),
    ...findShadowed(tiers),
  ];
}

/** Users of a tier whom an earlier entry names, too: the first entry applies. */
function findShadowed(tiers: NonNullable<Rules['tiers']>): string[] {
  return tiers.flatMap(({ users, tier }, at) => {
    const earlier = tiers.slice(0, at).flatMap((entry) => entry.users);
    return users
      .filter((user) => earlier.some((pattern) => matchesPattern(pattern, user)))
      .map((user) => `tier ${tier}, users ${JSON.stringify(user)} (an earlier entry of tiers names them)`);
  });
}

/** Names of rules that the Organization uses, too. */
function findTaken(spec: ApiKeyBinding['spec'], organization: Pick<Organization, 'spec'>): string[] {
  const shared = (kind: 'limits' | 'budgets') => {
    const names = new Set((organization.spec[kind] ?? []).map(({ name }) => name));
    return (spec[kind] ?? []).filter(({ name }) => names.has(name)).map(({ name }) => `${kind} ${name}`);
  };
  return [...shared('limits'), ...shared('budgets')];
}

/** A condition names only the first ones. */
const mostNamed = 10;

function list(parts: readonly string[]): string {
  const more = parts.length > mostNamed ? ` and ${parts.length - mostNamed} more` : '';
  return `${parts.slice(0, mostNamed).join('; ')}${more}`;
}
