import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { countsOfBinding, countsOfOrganization, type RuleCount } from '../../crds/rule-counts.ts';
import { windowAt } from '../../crds/rule-window.ts';
import { quotaCounterId } from '../../database/quota.ts';
import { makeRuleMetrics } from '../../operator/limits/metrics.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { binding, organization, secret, type TestObject } from './resources.ts';
import { type RunningOperator, type Stage, setStage } from './stage.ts';

interface ApiEvent {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}
interface Ruled {
  readonly budget?: string;
  readonly limit?: string;
  readonly budgets?: readonly { readonly usedUsd: string; readonly remainingUsd: string; readonly resetsAt?: string }[];
}

const unserved = { name: 'spoken', requests: { count: 5, window: '1h' }, match: { operations: ['speech'] } };
const month = { name: 'all', amountUsd: '100', warnAt: [50, 80] };
const ofKey = { name: 'key', amountUsd: '10', window: 'Total' };

describe('limits and budgets of resources', { skip }, () => {
  const scope = suiteScope();
  const registry = new Registry();
  const ruleMetrics = makeRuleMetrics(registry);
  let stage: Stage;
  let operator: RunningOperator;

  const find = async (kind: 'Organization' | 'ApiKeyBinding', path: string) => {
    const found = await stage.hands.find(kind, path);
    return { status: (found?.status ?? {}) as NonNullable<TestObject['status']> & Ruled, metadata: found?.metadata };
  };
  const untilRules = (kind: 'Organization' | 'ApiKeyBinding', path: string, reason: string) =>
    until(async () => {
      const { status } = await find(kind, path);
      const condition = status.conditions?.find(({ type }) => type === 'RulesEffective');
      return condition?.reason === reason && condition;
    }, `the rules of ${path} to be ${reason}`);
  const untilBudget = (kind: 'Organization' | 'ApiKeyBinding', path: string, budget: string) =>
    until(async () => (await find(kind, path)).status.budget === budget, `the budget of ${path} to be ${budget}`);
  const events = async () => {
    const path = '/apis/events.k8s.io/v1/events';
    const { items } = await stage.client.send<{ items: ApiEvent[] }>({ method: 'GET', path });
    return items.filter(({ reason }) => reason === 'BudgetWarning');
  };
  /** Counts an amount, as proxies do. */
  const use = async (counts: readonly RuleCount[], name: string, whose: string, nanoUsd: number) => {
    const count = counts.find((one) => one.name === name);
    assert.ok(count);
    const { rule, unit, per, window } = count;
    const { startMs, endMs } = windowAt(window, Date.now());
    await stage.db.query(
      `insert into chaperone.quota_counters (organization_id, counter_id, rule, unit, per, scope, window_start, window_end, used)
       values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), coalesce(to_timestamp($8::float8 / 1000), 'infinity'), $9)
       on conflict (organization_id, counter_id) do update set used = excluded.used`,
      [
        ...[
          (await find('Organization', 'acme')).status.id,
          quotaCounterId({ rule, unit, per, scope: whose, startMs, endMs }),
        ],
        ...[rule, unit, per, whose, startMs, endMs ?? null, nanoUsd],
      ],
    );
  };
  const start = () => stage.startOperator({ ruleMetrics, rulesMs: { period: 100, write: 200 }, eventPatienceMs: 0 });
  const counts = countsOfOrganization({ budgets: [{ ...month, per: 'Organization', window: 'Month' } as never] });
  const countsOfKey = countsOfBinding({ budgets: [{ ...ofKey, per: 'Key' } as never] }, 'web/shared');

  before(async () => {
    stage = await setStage(scope);
    operator = await start();
    const { hands } = stage;
    const rules = { surfaces: ['chat'], limits: [unserved], budgets: [month] };
    await hands.create('Organization', 'acme', organization(rules));
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    await hands.create('ApiKeyBinding', 'web/shared', binding({ budgets: [ofKey] }));
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'Ready');
  });

  test('a rule that no call can fit is a condition, until it is corrected', async () => {
    const condition = await untilRules('Organization', 'acme', 'RuleMatchesNothing');
    assert.match(condition.message, /limit spoken, operations "speech" \(spec\.surfaces lacks audio\)/);
    await untilRules('ApiKeyBinding', 'web/shared', 'Effective');
    await stage.hands.change('Organization', 'acme', { spec: { surfaces: ['chat', 'audio'] } });
    await untilRules('Organization', 'acme', 'Effective');
  });

  test('a binding is judged again when its Organization changes', async () => {
    await stage.hands.change('Organization', 'acme', { spec: { budgets: [month, { ...month, name: 'key' }] } });
    const condition = await untilRules('ApiKeyBinding', 'web/shared', 'RuleNameTaken');
    assert.match(condition.message, /budgets key/);
    await stage.hands.change('Organization', 'acme', { spec: { budgets: [month] } });
    await untilRules('ApiKeyBinding', 'web/shared', 'Effective');
  });

  test('statuses and columns show what is used', async () => {
    await untilBudget('Organization', 'acme', '0% of $100 (Month)');
    await use(counts, 'all', '', 42_500_000_000);
    await use(countsOfKey, 'key', 'any-key', 9_000_000_000);
    await untilBudget('Organization', 'acme', '42% of $100 (Month)');
    await untilBudget('ApiKeyBinding', 'web/shared', '90% of $10 (Total per Key)');
    const [budget] = (await find('Organization', 'acme')).status.budgets ?? [];
    assert.deepEqual([budget?.usedUsd, budget?.remainingUsd], ['42.5', '57.5']);
    assert.ok(Date.parse(budget?.resetsAt ?? '') > Date.now());
    await until(async () => {
      const text = await registry.metrics();
      const shows = (binding: string, name: string, ratio: number) =>
        text.includes(
          `chaperone_budget_used_ratio{organization="acme",binding="${binding}",budget="${name}"} ${ratio}\n`,
        );
      return shows('', 'all', 0.425) && shows('web/shared', 'key', 0.9);
    }, 'the metric of both budgets');
  });

  test('what is used without another percent of it writes no status', async () => {
    // The head of the audit log moves by itself.
    const status = async () => ({ ...(await find('Organization', 'acme')).status, audit: undefined });
    const before = await status();
    await use(counts, 'all', '', 42_600_000_000);
    await until(
      async () => /budget="all"\} 0\.426/.test(await registry.metrics()),
      'the operator to have read the new figure',
    );
    assert.deepEqual(await status(), before);
  });

  test('a budget warns once at each percentage, also after a restart', async () => {
    await use(counts, 'all', '', 55_000_000_000);
    const ofAcme = async () => (await events()).filter(({ regarding }) => regarding.kind === 'Organization');
    await until(async () => (await ofAcme()).length === 1, 'the Event at 50%');
    const [event] = await ofAcme();
    assert.match(event?.note ?? '', /^Budget "all": 50% of \$100 of this month is used \(\$55\)\. Calls beyond/);
    await operator.stop();
    operator = await start();
    await use(counts, 'all', '', 99_000_000_000);
    await until(async () => (await ofAcme()).length === 2, 'the Event at 80%');
    await untilBudget('Organization', 'acme', '99% of $100 (Month)');
    const { rows } = await stage.db.query(
      'select percent, announced_at is not null as told from chaperone.budget_warnings order by rule, percent',
    );
    assert.deepEqual(rows, [
      { percent: 50, told: true },
      { percent: 80, told: true },
      { percent: 80, told: true },
    ]);
    assert.equal((await events()).length, 3);
    assert.match(
      await registry.metrics(),
      /chaperone_budget_warnings_total\{percent="80",organization="acme",binding="",budget="all"\} 1|chaperone_budget_warnings_total\{organization="acme",binding="",budget="all",percent="80"\} 1/,
    );
  });

  test('a resource without rules says nothing of them', async () => {
    await stage.hands.change('Organization', 'acme', { spec: { budgets: [], limits: [] } });
    await until(async () => {
      const { status } = await find('Organization', 'acme');
      return status.budget === undefined && status.budgets === undefined;
    }, 'the figures to be gone');
  });
});
