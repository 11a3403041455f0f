import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import type { OrganizationSpec } from '../../../../crds/resources.generated.ts';
import { countsOfOrganization, type RuleCount } from '../../../../crds/rule-counts.ts';
import { windowAt } from '../../../../crds/rule-window.ts';
import { userIdOf } from '../../../../database/ids.ts';
import { quotaCounterId } from '../../../../database/quota.ts';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { until } from '../../../until.ts';
import { type Ask, makeAsk } from './ask.ts';

const rules = `
  tier: professional
  tiers:
    - users: ["*@example.com"]
      tier: free
  limits:
    - name: each
      per: User
      requests: { count: 50, window: 1h }
    - name: bob-alone
      match: { users: [bob] }
      concurrent: 3
    - name: seen
      per: Session
      action: Report
      tokens: { count: 1000, window: 24h, of: Output }
  budgets:
    - name: all
      amountUsd: "100"
      raise: { byUsd: "50", until: "2999-01-01T00:00:00Z", reason: Launch }
    - name: models
      per: Model
      amountUsd: "0.5"
      window: Day
      action: Warn
      warnAt: [50]
`;

/** What the answer says of a rule, without its times. */
interface Shown {
  readonly name: string;
  readonly scope: string | null;
}

describe('/v1/limits and /v1/budgets', () => {
  const scope = suiteScope();
  let stack: Stack;
  let owner: Client;
  let organizationId: string;
  let member: string;
  let analyst: string;
  let ask: Ask;
  let counts: RuleCount[];

  /** Counts an amount of a rule, as proxies do. */
  const use = async (name: string, whose: string, amount: number) => {
    const count = counts.find((one) => one.name === name);
    assert.ok(count, name);
    const { rule, unit, per, window } = count;
    const { startMs, endMs } = windowAt(window, Date.now());
    const id = quotaCounterId({ rule, unit, per, scope: whose, startMs, endMs });
    await owner.query(
      `insert into chaperone.quota_counters (organization_id, counter_id, rule, unit, per, scope, window_start, window_end, used)
       values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), coalesce(to_timestamp($8::float8 / 1000), 'infinity'), $9)`,
      [organizationId, id, rule, unit, per, whose, startMs, endMs ?? null, amount],
    );
  };
  const as = (token: string, user: string, path: string) =>
    ask('GET', path, undefined, { authorization: `Bearer ${token}`, 'x-user-id': user });
  const names = (list: readonly Shown[]) => list.map(({ name, scope }) => (scope === null ? name : `${name} ${scope}`));

  before(async () => {
    stack = await startStack(scope, {
      prepare: (directory) => appendFile(join(directory, 'organization.yaml'), rules),
    });
    owner = await connect(scope, stack.database.url);
    ask = makeAsk(stack);
    [member, analyst] = await Promise.all([stack.sign({ roles: ['member'] }), stack.sign({ roles: ['analyst'] })]);
    const { rows } = await owner.query<{ organization_id: string; spec: OrganizationSpec }>(
      'select organization_id, spec from chaperone.organizations',
    );
    organizationId = rows[0]?.organization_id ?? '';
    counts = countsOfOrganization(rows[0]?.spec ?? {});
    for (const user of ['ada', 'bob']) await ask('POST', '/users', { user_id: user });
    const [ada, bob] = ['ada', 'bob'].map((user) => userIdOf(organizationId, user));
    assert.ok(ada && bob);
    await use('each', ada, 10);
    await use('each', bob, 45);
    await use('seen', `${bob}/sess_of_bob`, 999);
    await use('all', '', 123_456_789_000);
    await use('models', 'gpt-4o', 200_000_000);
    await use('models', 'o3', 600_000_000);
  });

  it('shows an analyst every rule, with the figures of everyone, the most used first', async () => {
    const { status, body } = await as(analyst, 'ann', '/limits');
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(names(body.limits), [
      'professional',
      'free',
      'each bob',
      'each ada',
      'bob-alone',
      'seen sess_of_bob',
    ]);
    assert.deepEqual([body.total, body.filtered_by_user], [6, null]);
    const [tier, , each, , alone, seen] = body.limits;
    const { starts_at, resets_at, ...rest } = each;
    assert.equal(Date.parse(resets_at) - Date.parse(starts_at), 3_600_000);
    assert.deepEqual(rest, {
      ...{ type: 'limit', name: 'each', binding: null, per: 'User', scope: 'bob', user_id: 'bob', enforced: true },
      ...{ used_percent: 90, window: '1h', unit: 'requests', limit: 50, used: 45, reserved: 0, remaining: 5 },
    });
    assert.deepEqual([tier.type, tier.limit, tier.used, tier.remaining], ['tier', 10_000, 0, 10_000]);
    assert.deepEqual([alone.unit, alone.window, alone.resets_at], ['concurrent', null, null]);
    assert.deepEqual([seen.unit, seen.enforced, seen.user_id, seen.remaining], ['output_tokens', false, 'bob', 1]);
  });

  it('shows a member what applies to it, with its own figures', async () => {
    const { body } = await as(member, 'ada', '/limits');
    assert.deepEqual(names(body.limits), ['professional', 'each ada', 'seen']);
    assert.equal(body.filtered_by_user, 'ada');
    const bobs = await as(member, 'bob', '/limits');
    assert.deepEqual(names(bobs.body.limits), ['professional', 'each bob', 'bob-alone', 'seen sess_of_bob']);
    const mail = await as(member, 'eve@example.com', '/limits');
    assert.deepEqual(names(mail.body.limits), ['professional', 'free', 'each', 'seen']);
  });

  it('does not show a member the figures of another', async () => {
    for (const path of ['/limits?user_id=bob', '/budgets?user_id=bob']) {
      const { status, body } = await as(member, 'ada', path);
      assert.deepEqual([status, body.error.code], [403, 'role_required'], path);
    }
    assert.equal((await as(member, 'ada', '/limits?user_id=ada')).status, 200);
  });

  it('filters and pages', async () => {
    const { body: ofBob } = await as(analyst, 'ann', '/limits?user_id=bob&per=User');
    assert.deepEqual(names(ofBob.limits), ['each bob']);
    const { body: one } = await as(analyst, 'ann', '/limits?name=each&limit=1&offset=1');
    assert.deepEqual([names(one.limits), one.total, one.limit, one.offset], [['each ada'], 2, 1, 1]);
    const { body: none } = await as(analyst, 'ann', '/limits?name=nothing');
    assert.deepEqual([none.limits, none.total], [[], 0]);
    for (const path of ['/limits?per=Team', '/budgets?limit=0', `/limits?name=${'x'.repeat(64)}`]) {
      const { status, body } = await as(analyst, 'ann', path);
      assert.deepEqual([status, body.error.code], [400, 'invalid_request'], path);
    }
  });

  it('shows budgets in dollars, with their raise', async () => {
    const { body } = await as(member, 'ada', '/budgets');
    assert.deepEqual(names(body.budgets), ['all', 'models o3', 'models gpt-4o']);
    const { starts_at, resets_at, ...all } = body.budgets[0];
    assert.deepEqual(all, {
      ...{ name: 'all', binding: null, per: 'Organization', scope: null, user_id: null, enforced: true },
      ...{ used_percent: 82, window: 'Month', amount_usd: 150, used_usd: 123.456789, reserved_usd: 0 },
      ...{ remaining_usd: 26.543211, warn_at: [80, 100] },
      raise: { by_usd: 50, until: '2999-01-01T00:00:00Z', reason: 'Launch', active: true },
    });
    assert.match(starts_at, /-01T00:00:00\.000Z$/);
    assert.ok(Date.parse(resets_at) > Date.now());
    const [, o3] = body.budgets;
    assert.deepEqual([o3.used_percent, o3.remaining_usd, o3.enforced, o3.raise], [120, 0, false, null]);
  });

  it('shows what calls have used, also to the one who called', async () => {
    const usedBy = async (user: string) => {
      const [limits, budgets] = await Promise.all(
        ['/limits?name=each', '/budgets?name=models'].map((path) => as(member, user, path)),
      );
      const model = budgets?.body.budgets.find((budget: Shown) => budget.scope === 'gpt-4o-mini');
      return { requests: limits?.body.limits[0].used, usd: model?.used_usd ?? 0 };
    };
    assert.deepEqual(await usedBy('carol'), { requests: 0, usd: 0 });
    for (const input of ['Hello', 'Hello again']) {
      const { status } = await ask('POST', '/responses', { model: 'gpt-4o-mini', input }, { 'x-user-id': 'carol' });
      assert.equal(status, 200);
    }
    await until(async () => (await usedBy('carol')).requests === 2, 'both calls to be counted');
    const { usd } = await usedBy('carol');
    const { rows } = await owner.query('select sum(cost_usd)::float8 as usd from chaperone.requests');
    assert.ok(usd > 0 && Math.abs(usd - rows[0].usd) < 1e-8, `${usd} of ${rows[0].usd}`);
  });
});
