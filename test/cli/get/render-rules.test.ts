import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderRules } from '../../../cli/get/render-rules.ts';
import { countsOfOrganization } from '../../../crds/rule-counts.ts';
import { figuresOf } from '../../../crds/rule-figures.ts';
import { nobody } from '../../../database/ids.ts';
import type { NamedUse } from '../../../database/rule-use.ts';

const nowMs = Date.parse('2026-06-01T12:00:00Z');
const day = { windowStart: new Date('2026-06-01T00:00:00Z'), windowEnd: new Date('2026-06-02T00:00:00Z') };
const counts = countsOfOrganization({
  budgets: [
    {
      ...{ name: 'each', per: 'User', amountUsd: '1', window: 'Day', warnAt: [], action: 'Block' },
      ...{ onShortfall: 'Refuse', unpriced: 'Refuse', whenUnavailable: 'Allow' },
    },
  ],
});

/** What each user has used. */
function rowsOf(users: readonly (readonly [scope: string, user: string | null])[]) {
  const uses = users.map(([scope, user]): NamedUse => {
    const counted = { rule: counts[0]?.rule ?? '', unit: 'nano_usd', per: 'User', used: '1000', held: '0' } as const;
    return { ...counted, ...day, scope, user, binding: null };
  });
  return figuresOf(counts, uses, nowMs).map((figure) => ({ organization: 'acme', figure }));
}

test('calls without a user are shown as such, and not by the id that stands for nobody', () => {
  const rows = rowsOf([
    [nobody, null],
    ['018f0000-0000-7000-8000-000000000001', 'ada'],
  ]);
  const table = renderRules('budgets', rows, 'table');
  assert.match(table, /each +User +\(none\)/);
  assert.match(table, /each +User +ada/);
  assert.ok(!table.includes(nobody));
  const { budgets } = JSON.parse(renderRules('budgets', rows, 'json'));
  assert.deepEqual(budgets.map(({ scope, user }: { scope: string; user: string | null }) => [scope, user]).sort(), [
    ['', null],
    ['ada', 'ada'],
  ]);
});

test('a rule that nobody has used says so', () => {
  assert.match(renderRules('budgets', rowsOf([]), 'table'), /each +User +\(none yet\)/);
});
