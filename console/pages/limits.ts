import { html, nothing, type TemplateResult } from 'lit/html.js';
import { cost, count } from '../data/format.ts';
import type { Budget, Limit, Rule } from '../data/rules.ts';
import { definePage, type View } from '../page.ts';
import { badge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { showSection } from '../parts/facts.ts';
import { type FilterField, showFilters } from '../parts/filters.ts';
import { meter } from '../parts/meter.ts';
import { ago } from '../parts/moment.ts';
import { type Column, showTable } from '../parts/table.ts';

interface Rules {
  readonly limits: readonly Limit[];
  readonly limitCount: number;
  readonly budgets: readonly Budget[];
  readonly budgetCount: number;
}

const most = 300;

export const limits = definePage<Rules>({
  path: '/limits',
  title: 'Limits and budgets',
  about: 'What may be used, and what is used of it in the window of now.',
  topics: ['requests'],
  settlingMs: 3_000,
  async load({ api, query: { name, user_id, per } }) {
    const asked = { name, user_id, per, limit: most };
    const [limits, budgets] = await Promise.all([
      api.get<{ limits: Limit[]; total: number }>('/v1/limits', asked),
      api.get<{ budgets: Budget[]; total: number }>('/v1/budgets', asked),
    ]);
    return {
      ...{ limits: byUse(limits.limits), limitCount: limits.total },
      budgets: byUse(budgets.budgets),
      budgetCount: budgets.total,
    };
  },
  show: (rules, view) => html`${showFilters(view, filtersFor(view))}
    ${showSection('Budgets', showBudgets(rules, view))} ${showSection('Limits', showLimits(rules, view))}`,
});

/** Those that are closest to their end first. */
const byUse = <One extends Rule>(rules: readonly One[]) =>
  rules.toSorted((one, other) => other.used_percent - one.used_percent);

const filtersFor = ({ me }: View): FilterField[] => [
  { kind: 'text', name: 'name', label: 'Rule' },
  ...(me.sees_organization ? [{ kind: 'text', name: 'user_id', label: 'User' } as const] : []),
  {
    ...{ kind: 'choice', name: 'per', label: 'Counted per' },
    options: [
      ['', 'Any'],
      ...['Organization', 'User', 'Key', 'Model', 'Workload', 'Session'].map((per) => [per, per] as const),
    ],
  },
];

const named: Column<Rule> = {
  label: 'Rule',
  show: (
    rule,
  ) => html`<span class="strong">${rule.name}</span> ${rule.enforced ? nothing : badge('only reported', 'calm')}
    ${rule.binding === null ? nothing : html`<br /><code class="muted">${rule.binding}</code>`}`,
};
const whose: Column<Rule> = {
  label: 'Whose',
  show: (rule) =>
    html`<span class="cut">${rule.scope ?? (rule.per === 'Organization' ? 'everybody’s' : `per ${rule.per.toLowerCase()}`)}</span>`,
};
const use: Column<Rule> = {
  label: 'Used',
  show: (rule) =>
    html`<span class="used">${meter(`${rule.name}: ${rule.used_percent} % used`, rule.used_percent, rule.enforced)}<span class="figures">${rule.used_percent} %</span></span>`,
};
const window: Column<Rule> = {
  label: 'Begins anew',
  isExtra: true,
  show: (rule) =>
    rule.resets_at === null
      ? (rule.window ?? 'at once')
      : html`${ago(rule.resets_at)} <span class="muted">${rule.window}</span>`,
};

function showBudgets({ budgets, budgetCount }: Rules, view: View): TemplateResult {
  if (budgets.length === 0) {
    if (Object.keys(view.query).length > 0) return showEmpty('No budget is like this', 'Change or clear the filters.');
    return showEmpty(
      'There is no budget',
      html`Set one in <code>spec.budgets</code> of the Organization, or <code>spec.budget</code> of an ApiKeyBinding.`,
    );
  }
  const columns: Column<Budget>[] = [
    ...[named, whose, use],
    { label: 'Spent', isFigure: true, show: (budget) => cost(budget.used_usd) },
    { label: 'Held', isFigure: true, isExtra: true, show: (budget) => cost(budget.reserved_usd) },
    {
      ...{ label: 'Amount', isFigure: true },
      show: (budget) =>
        html`${cost(budget.amount_usd)}${budget.raise?.active ? html`<br /><span class="muted">raised by ${cost(budget.raise.by_usd)}</span>` : nothing}`,
    },
    { label: 'Left', isFigure: true, show: (budget) => cost(Math.max(0, budget.remaining_usd)) },
    window,
  ];
  return html`${showTable('Budgets', columns, budgets)}${showRest(budgets.length, budgetCount)}`;
}

function showLimits({ limits, limitCount }: Rules, view: View): TemplateResult {
  if (limits.length === 0) {
    if (Object.keys(view.query).length > 0) return showEmpty('No limit is like this', 'Change or clear the filters.');
    return showEmpty('There is no limit', html`Set one in <code>spec.limits</code> of the Organization.`);
  }
  const columns: Column<Limit>[] = [
    ...[named, whose, use],
    { label: 'Used', isFigure: true, show: (limit) => count(limit.used) },
    { label: 'Held', isFigure: true, isExtra: true, show: (limit) => count(limit.reserved) },
    {
      ...{ label: 'Limit', isFigure: true },
      show: (limit) => html`${count(limit.limit)} <span class="muted">${limit.unit.replaceAll('_', ' ')}</span>`,
    },
    { label: 'Left', isFigure: true, show: (limit) => count(Math.max(0, limit.remaining)) },
    window,
  ];
  return html`${showTable('Limits', columns, limits)}${showRest(limits.length, limitCount)}`;
}

function showRest(shown: number, total: number): unknown {
  return total > shown
    ? html`<p class="muted small">${count(total - shown)} more are not shown: filter by user or rule.</p>`
    : nothing;
}
