import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type Ask, makeAsk } from '../surfaces/governance/ask.ts';
import { type GovernedStack, startGovernedStack } from './governed-stack.ts';
import { type MovedTime, moveTime } from './moved-time.ts';

/** 2031-03-12 is a Wednesday. */
const start = '2031-03-12T10:00:00Z';
const rules = `
budgets:
  - {name: week, match: {users: [week-*]}, amountUsd: "0.0001", window: Week, startDay: 7}
  - {name: month, match: {users: [month-*]}, amountUsd: "0.0001", window: Month, startDay: 15}
  - {name: total, match: {users: [total-*]}, amountUsd: "0.0001", window: Total}
  - name: raised
    match: {users: [raised-*]}
    amountUsd: "0.0001"
    window: Total
    raise: {byUsd: "1", until: "2031-03-13T12:00:00Z", reason: Launch of the shop}
  - {name: warned, match: {users: [warned-*]}, amountUsd: "0.0001", window: Day, action: Warn, warnAt: [1, 50, 100]}
`;

/** Two proxies, an operator and PostgreSQL, whose time the test moves: windows end, and so does a raise. */
describe('budgets of calendar windows', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  let time: MovedTime;
  let ask: Ask;
  let admin: string;
  before(async () => {
    stack = await startGovernedStack(scope, { proxies: 2, rulesMs: { period: 50, write: 50 } });
    time = await moveTime(stack.owner);
    await time.setTo(start);
    await stack.state(rules);
    ask = makeAsk(stack);
    admin = await stack.sign({ roles: ['admin'] });
  });

  const chat = async (user: string, proxy = stack.proxy) => {
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': user, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100 }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  /** Calls until the budget is spent. @returns the refusal */
  const spend = (user: string, proxy = stack.proxy) =>
    until(async () => {
      const answer = await chat(user, proxy);
      return answer.status === 429 && answer.text;
    }, `the budget of ${user} to be spent`);
  const isServed = (user: string, proxy = stack.proxy) =>
    until(async () => (await chat(user, proxy)).status === 200, `a call of ${user} to be served`);
  const asAdmin = (path: string) => ask('GET', path, undefined, { authorization: `Bearer ${admin}` });
  const figure = async (name: string) => {
    const { status, body } = await asAdmin(`/budgets?name=${name}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body.budgets[0] ?? assert.fail(name);
  };
  const everywhere = async (check: (proxy: GovernedStack['proxy']) => Promise<unknown>) => {
    for (const proxy of stack.proxies) await check(proxy);
  };

  it('of a week begin anew on its start day, at every proxy', async () => {
    await time.setTo(start);
    await everywhere(async (proxy) => {
      assert.match(await spend('week-1', proxy), /budget week .* begins anew in .*, at 2031-03-16T00:00:00\.000Z/);
    });
    await time.setTo('2031-03-15T23:30:00Z');
    await everywhere((proxy) =>
      until(async () => / in [23]\dm\d+s, at 2031-03-16/.test(await spend('week-1', proxy)), 'the last half hour'),
    );
    const last = await figure('week');
    assert.deepEqual([last.starts_at, last.resets_at], ['2031-03-09T00:00:00.000Z', '2031-03-16T00:00:00.000Z']);
    assert.ok(last.used_usd > 0);
    await time.setTo('2031-03-16T00:00:00Z');
    await everywhere((proxy) => isServed('week-1', proxy));
    const next = await figure('week');
    assert.deepEqual([next.starts_at, next.resets_at], ['2031-03-16T00:00:00.000Z', '2031-03-23T00:00:00.000Z']);
  });

  it('of a month begin anew on its start day, and those without end never', async () => {
    await time.setTo('2031-02-20T00:00:00Z');
    assert.match(await spend('month-1'), /at 2031-03-15T00:00:00\.000Z/);
    assert.match(await spend('total-1'), /does not begin anew/);
    await time.setTo('2031-03-14T23:59:00Z');
    assert.match(await spend('month-1'), /at 2031-03-15T00:00:00\.000Z/);
    await time.setTo('2031-03-15T00:00:00Z');
    await isServed('month-1');
    assert.equal((await figure('month')).resets_at, '2031-04-15T00:00:00.000Z');
    await time.setTo('2035-01-01T00:00:00Z');
    assert.match(await spend('total-1'), /does not begin anew/);
  });

  it('have more while they are raised, and no longer', async () => {
    await time.setTo(start);
    await everywhere(async (proxy) => {
      for (let number = 0; number < 5; number += 1) await isServed('raised-1', proxy);
    });
    const before = await figure('raised');
    assert.deepEqual([before.amount_usd, before.raise.active], [1.0001, true]);
    assert.equal(stack.condition('RulesEffective')?.reason, 'Effective');
    await time.setTo('2031-03-13T12:00:00Z');
    await everywhere(async (proxy) => {
      const refusal = await spend('raised-1', proxy);
      // What is left is less than a call may need, and more once what a proxy has leased comes back.
      assert.match(refusal, /of the budget raised 0(?:\.0000\d+)? of 0\.0001 US dollars are left/);
    });
    const after = await figure('raised');
    assert.deepEqual([after.amount_usd, after.raise.active], [0.0001, false]);
    await until(() => stack.condition('RulesEffective')?.reason === 'RaiseEnded', 'the condition to say so');
  });

  it('are raised for all to see in the audit log', async () => {
    const changes = await until(async () => {
      const { body } = await asAdmin('/audit?kind=resource&limit=100');
      const found: { field: string; after: unknown }[] = body.entries.flatMap(
        (entry: { changes: [] }) => entry.changes,
      );
      const ofRaise = found.filter(({ field }) => field.startsWith('spec.budgets[raised].raise.'));
      return ofRaise.length > 0 && ofRaise;
    }, 'the entry of the raise');
    const raise = Object.fromEntries(changes.map(({ field, after }) => [field.split('.').at(-1), after]));
    assert.deepEqual(raise, { byUsd: '1', until: '2031-03-13T12:00:00Z', reason: 'Launch of the shop' });
  });

  it('warn once at each percentage, in each window', async () => {
    await time.setTo('2031-05-01T08:00:00Z');
    const warnings = async () => {
      const { rows } = await stack.owner.query<{ percent: number; day: string }>(
        `select w.percent, to_char(c.window_start at time zone 'UTC', 'YYYY-MM-DD') as day
         from chaperone.budget_warnings w join chaperone.quota_counters c using (organization_id, counter_id)
         where w.rule like '%/warned' and w.announced_at is not null
         order by c.window_start, w.percent`,
      );
      return rows.map(({ percent, day }) => `${day} ${percent}%`);
    };
    const reach = (count: number) =>
      until(async () => {
        await isServed('warned-1');
        const all = await warnings();
        return all.length >= count && all;
      }, `${count} warnings`);
    assert.deepEqual(await reach(3), ['2031-05-01 1%', '2031-05-01 50%', '2031-05-01 100%']);
    await time.setTo('2031-05-02T00:00:00Z');
    assert.deepEqual((await reach(6)).slice(3), ['2031-05-02 1%', '2031-05-02 50%', '2031-05-02 100%']);
    const events = stack.events();
    for (const percent of [1, 50, 100]) {
      const told = events.split('\n').filter((line) => line.includes(`Budget \\"warned\\": ${percent}% of`));
      assert.equal(told.length, 2, `the Events of ${percent} %: ${events}`);
    }
  });
});
