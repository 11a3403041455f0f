import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsOfBinding, countsOfOrganization, type OrganizationRules } from '../../crds/rule-counts.ts';
import { type CounterUse, figuresOf, fullestOf, percentOf, showNanoUsd } from '../../crds/rule-figures.ts';
import { windowAt } from '../../crds/rule-window.ts';

const nowMs = Date.parse('2026-03-15T12:00:00Z');
const basics = { per: 'Organization', action: 'Enforce', whenUnavailable: 'Allow' } as const;
const money = { ...basics, action: 'Block', window: 'Month', onShortfall: 'Refuse', unpriced: 'Refuse' } as const;
const rules: OrganizationRules = {
  tier: 'starter',
  tiers: [
    { users: ['ada'], tier: 'enterprise' },
    { users: ['*'], tier: 'free' },
  ],
  limits: [{ ...basics, name: 'all', requests: { count: 10, window: '1h' }, concurrent: 4 }],
  budgets: [{ ...money, name: 'month', amountUsd: '10.0000000019', warnAt: [80] }],
};

test('every rule counts in its unit, under the name that proxies give it', () => {
  const counts = countsOfOrganization(rules).map(({ rule, unit, amountAt }) => [rule, unit, amountAt(nowMs)]);
  assert.deepEqual(counts, [
    ['tier/organization', 'requests', 1_000],
    ['tier/user-free', 'requests', 100],
    ['limits/all', 'requests', 10],
    ['limits/all', 'concurrent', 4],
    ['budgets/month', 'nano_usd', 10_000_000_001],
  ]);
  assert.deepEqual(
    countsOfBinding(
      { tier: 'free', budgets: [{ ...money, per: 'Key', name: 'k', amountUsd: '1', warnAt: [] }] },
      'a/b',
    ).map(({ rule, binding, per }) => [rule, binding, per]),
    [
      ['a/b/tier/key', 'a/b', 'Key'],
      ['a/b/budgets/k', 'a/b', 'Key'],
    ],
  );
});

test('a tier of users is for those whom no earlier entry names', () => {
  const [, free] = countsOfOrganization(rules);
  assert.deepEqual([free?.users, free?.exceptUsers], [['*'], ['ada']]);
});

test('a raise counts until it ends', () => {
  const raise = { byUsd: '5', until: '2026-03-20T00:00:00Z', reason: 'x' };
  const [count] = countsOfOrganization({ budgets: [{ ...money, name: 'a', amountUsd: '10', warnAt: [], raise }] });
  assert.deepEqual(
    ['2026-03-19T23:59:59.999Z', '2026-03-20T00:00:00Z'].map((at) => count?.amountAt(Date.parse(at))),
    [15e9, 10e9],
  );
});

test('figures are those of the window of now, the most used first', () => {
  const counts = countsOfOrganization(rules);
  const hour = windowAt({ kind: 'fixed', lengthMs: 3_600_000 }, nowMs).startMs;
  const use = (scope: string, used: number, changes: Partial<CounterUse> = {}): CounterUse => ({
    ...{ rule: 'limits/all', unit: 'requests', scope, windowStart: new Date(hour), used: String(used), held: '1' },
    ...changes,
  });
  const figures = figuresOf(
    counts,
    [
      use('a', 3),
      use('b', 12),
      use('old', 9, { windowStart: new Date(hour - 1) }),
      use('', 0, { unit: 'concurrent', windowStart: new Date(0), held: '3' }),
    ],
    nowMs,
  );
  const shown = figures.map(({ count, use: of, used, reserved, remaining }) => [
    `${count.name} ${count.unit} ${of?.scope}`,
    ...[used, reserved, remaining],
  ]);
  assert.deepEqual(shown, [
    ['starter requests undefined', 0, 0, 1_000],
    ['free requests undefined', 0, 0, 100],
    ['all requests b', 12, 1, 0],
    ['all requests a', 3, 1, 7],
    ['all concurrent ', 3, 0, 1],
    ['month nano_usd undefined', 0, 0, 10_000_000_001],
  ]);
  const fullest = fullestOf(figures);
  assert.deepEqual([fullest?.use?.scope, fullest && percentOf(fullest)], ['b', 120]);
});

test('dollars are shown with what matters of their decimals', () => {
  assert.deepEqual([0, 1e9, 1_500_000_000, 1_000, 123_456_789_123].map(showNanoUsd), [
    '0',
    '1',
    '1.5',
    '0.000001',
    '123.456789',
  ]);
});
