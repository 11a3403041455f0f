import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderUsage } from '../../cli/usage/render.ts';
import { chooseSpending } from '../../cli/usage.ts';
import type { SpendingOfGroup } from '../../database/analytics/spending.ts';

const nowMs = Date.parse('2027-03-15T23:59:00Z');
const choose = (options: object) => chooseSpending({ kind: 'all', ...options }, nowMs);

describe('the query of chaperone usage', () => {
  test('covers the month until today, by organization, by default', () => {
    const filter = { organization: null, firstDay: '2027-03-01', lastDay: '2027-03-15', kind: null };
    assert.deepEqual(choose({}), { by: 'organization', filter });
    const one = { ...filter, organization: 'acme', kind: 'call' };
    assert.deepEqual(choose({ organization: 'acme', kind: 'call' }), { by: 'model', filter: one });
    const february = { ...filter, firstDay: '2027-02-01', lastDay: '2027-02-28' };
    assert.deepEqual(choose({ to: '2027-02-28', by: 'day' }), { by: 'day', filter: february });
  });

  const refused: readonly (readonly [object, RegExp])[] = [
    [{ by: 'colour' }, /--by must be one of organization, model, .*, not "colour"/],
    [{ from: 'yesterday' }, /--from must be a day such as 2027-01-31, not "yesterday"/],
    [{ to: '2027-02-29' }, /--to must be a day/],
    [{ from: '0000-01-01' }, /--from must be a day/],
    [{ from: '2027-03-16' }, /--from 2027-03-16 is after --to 2027-03-15/],
  ];
  for (const [options, message] of refused) {
    test(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => choose(options), message);
    });
  }
});

const none = {
  ...{ analysisCount: '0', analysisCostUsd: '0', unpricedCount: '0', inputTokens: '0', outputTokens: '0' },
  ...{ cacheHitCount: '0', avoidedCostUsd: '0' },
};
const rows: readonly SpendingOfGroup[] = [
  {
    ...none,
    name: 'ada',
    requestCount: '12',
    completedCount: '10',
    inputTokens: '1200',
    costUsd: '1.250000000000',
    cacheHitCount: '3',
    avoidedCostUsd: '0.500000000000',
  },
  { ...none, name: '=1+1", "x', requestCount: '1', completedCount: '1', unpricedCount: '1', costUsd: '0' },
  { ...none, name: 'a\u001b[2Jb', requestCount: '1', completedCount: '1', costUsd: '0.000009300000' },
  {
    ...{ name: null, requestCount: '14', completedCount: '12', unpricedCount: '1', inputTokens: '1200' },
    ...{ outputTokens: '0', costUsd: '1.250009300000', analysisCount: '2', analysisCostUsd: '0.250000000000' },
    ...{ cacheHitCount: '3', avoidedCostUsd: '0.500000000000' },
  },
];
const { filter } = choose({ organization: 'acme' });
const report = { by: 'user', filter, rows } as const;

test('a table is aligned, has a sum, and explains the figures', () => {
  assert.equal(
    renderUsage(report, 'table'),
    [
      'USER        CALLS   FAILED   INPUT TOKENS   OUTPUT TOKENS   COST (USD)',
      'ada            12        2           1200               0     1.250000',
      '=1+1", "x       1        0              0               0     0.000000',
      'a\ufffd[2Jb          1        0              0               0     0.000009',
      'TOTAL          14        2           1200               0     1.250009',
      '',
      'Of organization "acme", from 2027-03-01 to the end of 2027-03-15 (UTC).',
      'Among it calls that analyses made: 2, for 0.250000 USD. --kind call leaves them out, as /v1/analytics does.',
      'Among it answers from the cache, which cost nothing: 3. Providers would have billed 0.500000 USD.',
      'Calls without a known price, which are not in the cost: 1.',
      '',
    ].join('\n'),
  );
});

test('CSV is safe for spreadsheets: no user becomes a formula', () => {
  assert.equal(
    renderUsage(report, 'csv'),
    [
      'user,calls,failed,unpriced,input_tokens,output_tokens,cost_usd,cache_hits,avoided_cost_usd',
      'ada,12,2,0,1200,0,1.25,3,0.5',
      `"'=1+1"", ""x",1,0,1,0,0,0,0,0`,
      'a\u001b[2Jb,1,0,0,0,0,0.0000093,0,0',
      '',
    ].join('\n'),
  );
});

test('JSON is exact: money is an unrounded decimal', () => {
  const { groups, total, ...rest } = JSON.parse(renderUsage(report, 'json'));
  assert.deepEqual(rest, { organization: 'acme', from: '2027-03-01', to: '2027-03-15', kind: 'all', by: 'user' });
  const ada = {
    ...{ calls: 12, failed: 2, unpriced: 0, inputTokens: 1200, outputTokens: 0, costUsd: '1.25' },
    ...{ cacheHits: 3, avoidedCostUsd: '0.5' },
  };
  assert.deepEqual(groups[0], { user: 'ada', ...ada });
  assert.deepEqual([total.costUsd, total.analyses], ['1.2500093', { calls: 2, costUsd: '0.25' }]);
});
