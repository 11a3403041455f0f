import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Client } from 'pg';
import { addToDays } from '../../../../database/sentiment-days.ts';
import { addUp, tallyQuery, tallyTexts } from '../../../../proxy/governance/insights/summary/tally.ts';
import { connect } from '../../../database/tenant.ts';
import { propertyRuns } from '../../../property-runs.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { startStackWorker } from '../../../worker/webhooks/start.ts';
import { type Insights, startInsights } from './insights-stack.ts';

const texts = [
  'I love this, it is great!',
  'Horrible, terrible, awful!',
  'The invoice has two pages.',
  'It is not bad, but slow.',
  'Thank you for the quick help.',
];

/** Figures of contract 3, through the front door. */
describe('the summary', () => {
  const scope = suiteScope();
  let insights: Insights;
  let db: Client;
  let ann: string;
  let organizationId: string;
  before(async () => {
    insights = await startInsights(scope, {
      'insights.responses': { categories: ['loan_inquiry', 'account_access'] },
    });
    db = await connect(scope, insights.stack.database.url);
    ann = await insights.stack.sign({ user: 'ann', roles: ['analyst'] });
    const { rows } = await db.query<{ id: string }>('select organization_id as id from chaperone.organizations');
    organizationId = rows[0]?.id ?? '';
  });
  const read = async (query = '') => {
    const { status, body } = await insights.ask('GET', `/analytics/summary${query}`, undefined, { token: ann });
    assert.equal(status, 200, JSON.stringify(body));
    return body.data;
  };

  it('has nothing to say before anything was said', async () => {
    assert.deepEqual(await read(), {
      total_conversations: 0,
      sentiment_distribution: { positive: 0, negative: 0, neutral: 0 },
      average_satisfaction: null,
      response_time_avg: null,
      resolution_rate: null,
      timeline_data: [],
      top_issues: [],
    });
  });

  it('has all texts that were analysed, one by one, together, and by a worker, at once', async () => {
    await startStackWorker(scope, insights.stack);
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    const judged: any[] = [];
    for (const text of texts) judged.push((await insights.ask('POST', '/analyze/sentiment', { text })).body.data);
    const conversations = texts.map((text, at) => ({ id: `conv-${at}`, text }));
    judged.push(...(await insights.ask('POST', '/analyze/batch', { conversations })).body.data.results);
    const queued = (await insights.ask('POST', '/analyze/batch', { conversations, async: true })).body.data;
    const done = await until(async () => {
      const { data } = (await insights.ask('GET', `/analyze/batch/${queued.batch_id}`)).body;
      return data.status === 'completed' && data;
    }, 'the worker');
    judged.push(...done.results);
    const data = await read();
    const share = (label: string) => judged.filter(({ sentiment }) => sentiment === label).length / judged.length;
    const mean = judged.reduce((sum, one) => sum + (1 + one.positive - one.negative) / 2, 0) / judged.length;
    assert.equal(data.total_conversations, 15);
    for (const label of ['positive', 'negative', 'neutral']) {
      assert.ok(Math.abs(data.sentiment_distribution[label] - share(label)) < 1e-4, label);
    }
    const [today] = data.timeline_data;
    assert.equal(today.conversations, 15);
    assert.ok(Math.abs(today.avg_sentiment - mean) < 1e-4, `${today.avg_sentiment} is not ${mean}`);
  });

  it('has what queries were about, and the support desk’s figures', async () => {
    const ask = (query: string) => insights.ask('POST', '/generate/response', { query });
    await ask('Why is my loan so terrible?');
    await ask('I love my loan.');
    await ask('My account is locked.');
    const said = await insights.ask('POST', '/conversations', { message: 'Hello', user_id: 'carl' });
    const id = said.body.conversation_id;
    await insights.ask('POST', `/conversations/${id}/feedback`, { rating: 4 });
    const data = await read('?granularity=monthly');
    assert.deepEqual([data.total_conversations, data.average_satisfaction], [16, 4]);
    assert.ok(data.response_time_avg > 0);
    assert.deepEqual(
      data.top_issues.map(({ issue, count }: { issue: string; count: number }) => [issue, count]),
      [
        ['loan_inquiry', 2],
        ['account_access', 1],
      ],
    );
    assert.ok(data.top_issues.every(({ sentiment }: { sentiment: number }) => sentiment > 0 && sentiment < 1));
    assert.match(data.timeline_data[0].date, /-01$/);
  });

  it('equals a recomputation, whatever was said when, and however it came', async () => {
    const share = fc.integer({ min: 0, max: 1_000 }).map((thousandths) => thousandths / 1_000);
    const sentiment = fc.constantFrom('positive' as const, 'negative' as const, 'neutral' as const);
    const text = fc.record({
      day: fc
        .integer({ min: 0, max: 80 })
        .map((days) => new Date(Date.UTC(2024, 0, 1 + days)).toISOString().slice(0, 10)),
      judged: fc.record({ sentiment, positive: share, negative: share }),
      issue: fc.constantFrom('loans', 'cards', 'fees'),
    });
    const cases = fc.record({
      said: fc.array(text, { maxLength: 60 }),
      parts: fc.integer({ min: 1, max: 7 }),
      granularity: fc.constantFrom('daily' as const, 'weekly' as const, 'monthly' as const),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ said, parts, granularity }) => {
        await db.query('delete from chaperone.sentiment_days where day < $1', ['2025-01-01']);
        await db.query('delete from chaperone.issue_days where day < $1', ['2025-01-01']);
        for (let part = 0; part < parts; part += 1) {
          const some = said.filter((_, at) => at % parts === part);
          const counted = some.flatMap(({ day, judged, issue }) => [
            tallyTexts(day, [judged]),
            tallyQuery(day, { issue, judged }),
          ]);
          await addToDays(db, organizationId, addUp(counted));
        }
        const data = await read(`?start_date=2024-01-01&end_date=2024-03-31&granularity=${granularity}`);
        assert.equal(data.total_conversations, said.length);
        const groups = Map.groupBy(said, ({ day }) => groupOf(day, granularity));
        assert.deepEqual(
          data.timeline_data,
          [...groups]
            .sort(([one], [other]) => (one < other ? -1 : 1))
            .map(([date, all]) => ({ date, conversations: all.length, avg_sentiment: meanOf(all) })),
        );
        const issues = Map.groupBy(said, ({ issue }) => issue);
        for (const { issue, count, sentiment: mean } of data.top_issues) {
          const all = issues.get(issue) ?? [];
          assert.deepEqual([count, mean], [all.length, meanOf(all)], issue);
        }
        assert.equal(data.top_issues.length, issues.size);
      }),
      { numRuns: propertyRuns(30) },
    );
  });

  it('is for who sees the organization, and takes dates', async () => {
    const eve = await insights.stack.sign({ user: 'eve', roles: ['member'] });
    const refused = await insights.ask('GET', '/analytics/summary', undefined, { token: eve });
    assert.equal(refused.body.code, 'role_required');
    for (const [query, field] of [
      ['start_date=soon', 'start_date'],
      ['granularity=hourly', 'granularity'],
      ['start_date=2024-02-01&end_date=2024-01-01', 'start_date'],
    ] as const) {
      const { status, body } = await insights.ask('GET', `/analytics/summary?${query}`, undefined, { token: ann });
      assert.deepEqual([status, Object.keys(body.details)], [400, [field]], query);
    }
  });

  it('takes no longer with a million texts', async () => {
    for (let year = 2000; year < 2003; year += 1) {
      const days = Array.from({ length: 365 }, (_, at) =>
        new Date(Date.UTC(year, 0, 1 + at)).toISOString().slice(0, 10),
      );
      const tallies = days.map((day) => ({ day, texts: 1_000, positive: 600, negative: 200, scoreSum: 1_200_000 }));
      await addToDays(db, organizationId, { texts: tallies, issues: [] });
    }
    // Other programs of the machine may hold up one read, or several.
    await until(async () => {
      const began = performance.now();
      const data = await read('?start_date=2000-01-01&end_date=2002-12-31&granularity=monthly');
      const tookMs = performance.now() - began;
      assert.deepEqual([data.total_conversations, data.timeline_data.length], [1_095_000, 36]);
      return tookMs < 2_000;
    }, 'an answer within two seconds');
  });
});

type Said = { readonly judged: { readonly positive: number; readonly negative: number } };

/** Computed anew, in thousandths, so that no rounding comes between. */
function meanOf(all: readonly Said[]): number {
  const sum = all.reduce(
    (total, { judged }) => total + 1_000 + Math.round(judged.positive * 1_000) - Math.round(judged.negative * 1_000),
    0,
  );
  return Number((sum / (all.length * 2_000)).toFixed(4));
}

function groupOf(day: string, granularity: 'daily' | 'weekly' | 'monthly'): string {
  if (granularity === 'daily') return day;
  if (granularity === 'monthly') return `${day.slice(0, 8)}01`;
  const date = new Date(day);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, 10);
}
