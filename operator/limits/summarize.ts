import type { OrganizationStatus } from '../../crds/resources.generated.ts';
import type { RuleCount } from '../../crds/rule-counts.ts';
import { fullestOf, percentOf, type RuleFigure, showNanoUsd } from '../../crds/rule-figures.ts';

/** What a status says of limits and budgets. */
export type RuleStatus = Pick<OrganizationStatus, 'budget' | 'limit' | 'budgets' | 'limits'>;

/** What a status says of limits and budgets so far. */
export function ruleStatusOf({ budget, limit, budgets, limits }: RuleStatus): RuleStatus {
  return {
    ...(budget !== undefined && { budget }),
    ...(limit !== undefined && { limit }),
    ...(budgets && { budgets }),
    ...(limits && { limits }),
  };
}

/** Of a shorter window, a status would be out of date at once. */
const shortestMs = 600_000;

/** Sums up the figures of a resource's rules: of a rule that counts several scopes, the one nearest to its limit. */
export function summarize(figures: readonly RuleFigure[]): RuleStatus {
  const groups = Map.groupBy(figures.filter(isSlow), ({ count }) => count);
  const fullest = [...groups.values()].flatMap((group) => fullestOf(group) ?? []);
  const scopes = (figure: RuleFigure) => (groups.get(figure.count) ?? []).filter(({ use }) => use).length;
  const budgets = fullest.filter(({ count }) => count.kind === 'budget');
  const limits = fullest.filter(({ count }) => count.kind !== 'budget');
  const [budget, limit] = [fullestOf(budgets), fullestOf(limits)];
  return {
    ...(budget && { budget: describe(budget) }),
    ...(limit && { limit: describe(limit) }),
    ...(budgets.length > 0 && {
      budgets: budgets.map((figure) => ({
        ...{ name: figure.count.name, per: figure.count.per, scopes: scopes(figure) },
        ...{ usedPercent: percentOf(figure), usedUsd: showNanoUsd(figure.used), amountUsd: showNanoUsd(figure.limit) },
        ...{ remainingUsd: showNanoUsd(figure.remaining), ...resetOf(figure) },
      })),
    }),
    ...(limits.length > 0 && {
      limits: limits.map((figure) => ({
        ...{ name: nameOf(figure.count), per: figure.count.per, unit: unitOf(figure.count), scopes: scopes(figure) },
        ...{ usedPercent: percentOf(figure), used: figure.used, limit: figure.limit, remaining: figure.remaining },
        ...resetOf(figure),
      })),
    }),
  };
}

/** The part of a status whose change is worth a write. */
export function essenceOf({ budgets = [], limits = [] }: RuleStatus): string {
  return JSON.stringify([
    ...budgets.map(({ name, per, usedPercent, amountUsd, resetsAt }) => [name, per, usedPercent, amountUsd, resetsAt]),
    ...limits.map(({ name, per, unit, usedPercent, limit, resetsAt }) => [
      name,
      per,
      unit,
      usedPercent,
      limit,
      resetsAt,
    ]),
  ]);
}

function isSlow({ count: { unit, window } }: RuleFigure): boolean {
  if (unit === 'concurrent') return false;
  return window.kind !== 'fixed' || window.lengthMs >= shortestMs;
}

/** Such as `82% of $100 (Month)`, or `41% of 50 requests (1h per User)`. */
function describe(figure: RuleFigure): string {
  const { count, limit } = figure;
  const amount = count.kind === 'budget' ? `$${showNanoUsd(limit)}` : `${limit} ${unitNames[count.unit]}`;
  const where = [count.stated, ...(count.per === 'Organization' ? [] : [`per ${count.per}`])].filter(Boolean).join(' ');
  return `${percentOf(figure)}% of ${amount}${where === '' ? '' : ` (${where})`}`;
}

const unitNames: Readonly<Record<RuleCount['unit'], string>> = {
  requests: 'requests',
  tokens: 'tokens',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  nano_usd: 'dollars',
  concurrent: 'calls at once',
};

function unitOf({ unit }: RuleCount): NonNullable<RuleStatus['limits']>[number]['unit'] {
  return unit === 'nano_usd' ? 'requests' : unit;
}

function nameOf({ kind, name }: RuleCount): string {
  return kind === 'tier' ? `tier ${name}` : name;
}

function resetOf({ resetMs }: RuleFigure): { readonly resetsAt?: string } {
  return resetMs === undefined ? {} : { resetsAt: new Date(resetMs).toISOString().replace('.000Z', 'Z') };
}
