import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsOfOrganization, type OrganizationRules } from '../../../crds/rule-counts.ts';
import { type CounterUse, figuresOf } from '../../../crds/rule-figures.ts';
import { windowAt } from '../../../crds/rule-window.ts';
import { essenceOf, summarize } from '../../../operator/limits/summarize.ts';
import { describeWarning, findWarnings } from '../../../operator/limits/warnings.ts';

const nowMs = Date.parse('2026-03-15T12:30:00Z');
const basics = { per: 'Organization', action: 'Enforce', whenUnavailable: 'Allow' } as const;
const money = { ...basics, action: 'Block', window: 'Month', onShortfall: 'Refuse', unpriced: 'Refuse' } as const;
const rules: OrganizationRules = {
  tier: 'free',
  limits: [
    { ...basics, name: 'each', per: 'User', tokens: { count: 500, window: '1h', of: 'Input' } },
    { ...basics, name: 'fast', requests: { count: 10, window: '1m' }, concurrent: 4 },
  ],
  budgets: [
    { ...money, name: 'all', amountUsd: '100', warnAt: [80, 50, 100, 80] },
    { ...money, name: 'each', per: 'User', amountUsd: '1', window: 'Total', warnAt: [100] },
  ],
};
const counts = countsOfOrganization(rules);

function use(rule: string, used: number, scope = ''): CounterUse {
  const count = counts.find((one) => one.rule === rule);
  assert.ok(count);
  const windowStart = new Date(windowAt(count.window, nowMs).startMs);
  return { rule, unit: count.unit, scope, windowStart, used: String(used), held: '0' };
}
const used = [
  use('tier/organization', 41),
  use('limits/each', 200, 'ada'),
  use('limits/each', 100, 'bob'),
  use('limits/fast', 10),
  use('budgets/all', 82_400_000_000),
  use('budgets/each', 10_000_000, 'ada'),
];

test('a status shows the budgets and the limits that change slowly, and columns those nearest to their end', () => {
  const status = summarize(figuresOf(counts, used, nowMs));
  assert.deepEqual(status, {
    budget: '82% of $100 (Month)',
    limit: '41% of 100 requests (1h)',
    budgets: [
      {
        ...{ name: 'all', per: 'Organization', scopes: 1, usedPercent: 82, usedUsd: '82.4', amountUsd: '100' },
        ...{ remainingUsd: '17.6', resetsAt: '2026-04-01T00:00:00Z' },
      },
      {
        ...{ name: 'each', per: 'User', scopes: 1, usedPercent: 1, usedUsd: '0.01', amountUsd: '1' },
        remainingUsd: '0.99',
      },
    ],
    limits: [
      {
        ...{ name: 'tier free', per: 'Organization', unit: 'requests', scopes: 1, usedPercent: 41, used: 41 },
        ...{ limit: 100, remaining: 59, resetsAt: '2026-03-15T13:00:00Z' },
      },
      {
        ...{ name: 'each', per: 'User', unit: 'input_tokens', scopes: 2, usedPercent: 40, used: 200 },
        ...{ limit: 500, remaining: 300, resetsAt: '2026-03-15T13:00:00Z' },
      },
    ],
  });
  assert.deepEqual(summarize([]), {});
});

test('only another percent, amount or window is worth a write', () => {
  const at = (nanoUsd: number) => essenceOf(summarize(figuresOf(counts, [use('budgets/all', nanoUsd)], nowMs)));
  assert.equal(at(82_400_000_000), at(82_900_000_000));
  assert.notEqual(at(82_400_000_000), at(83_000_000_000));
  const next = essenceOf(summarize(figuresOf(counts, [], Date.parse('2026-04-01T00:00:00Z'))));
  assert.notEqual(next, essenceOf(summarize(figuresOf(counts, [], nowMs))));
});

test('a budget warns at each percentage that it has reached, once', () => {
  const figures = figuresOf(counts, used, nowMs);
  const warnings = findWarnings(figures);
  assert.deepEqual(
    warnings.map(({ rule, percent }) => [rule, percent]),
    [
      ['budgets/all', 80],
      ['budgets/all', 50],
    ],
  );
  const [warning] = warnings;
  assert.ok(warning);
  const all = counts.find(({ rule }) => rule === 'budgets/all');
  const note = describeWarning({ ...warning, scope: '', user: null, windowEnd: new Date('2026-04-01') }, all);
  assert.deepEqual(note, {
    type: 'Warning',
    reason: 'BudgetWarning',
    message:
      'Budget "all": 80% of $100 of this month is used ($82.4). Calls beyond the budget are refused. It begins anew at 2026-04-01T00:00:00Z.',
  });
  const each = counts.find(({ rule }) => rule === 'budgets/each');
  const ofAda = { counterId: 1, percent: 100, rule: 'budgets/each', used: 1e9, amount: 1e9, windowEnd: null };
  assert.equal(
    describeWarning({ ...ofAda, scope: 'id', user: 'ada' }, each).message,
    'Budget "each" of user "ada": 100% of $1 is used ($1). Calls beyond the budget are refused.',
  );
});
