import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { Api } from '../data/api.ts';
import { type ModelFigures, type Point, sum, type Timeline, type UserFigures } from '../data/figures.ts';
import { cost, count, duration, money, percent, seconds, shortCount, tick, utcDay } from '../data/format.ts';
import type { ListedRequest, RequestPage } from '../data/requests.ts';
import { linkTo } from '../data/route.ts';
import type { Budget } from '../data/rules.ts';
import { definePage, type View } from '../page.ts';
import { showChart } from '../parts/chart.ts';
import { showEmpty } from '../parts/empty.ts';
import { showSection } from '../parts/facts.ts';
import { meter } from '../parts/meter.ts';
import { ago } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';
import { showTiles } from '../parts/tiles.ts';

/** How far back. The points before are what it is compared with. */
interface Range {
  readonly name: string;
  readonly label: string;
  readonly before: string;
  readonly interval: 'hour' | 'day';
  readonly days: number;
}

const ranges: readonly Range[] = [
  { name: '', label: 'Today', before: 'yesterday by now', interval: 'hour', days: 1 },
  { name: '7d', label: '7 days', before: 'the 7 days before', interval: 'day', days: 7 },
  { name: '30d', label: '30 days', before: 'the 30 days before', interval: 'day', days: 30 },
];

interface Overview {
  readonly range: Range;
  readonly now: readonly Point[];
  readonly before: readonly Point[];
  readonly models: readonly ModelFigures[];
  readonly users: readonly UserFigures[];
  readonly totalUsers: number;
  readonly failures: readonly ListedRequest[];
  readonly budgets: readonly Budget[];
}

const dayMs = 86_400_000;

export const overview = definePage<Overview>({
  path: '/',
  title: 'Overview',
  topics: ['requests'],
  settlingMs: 3_000,
  async load({ api, query }) {
    const range = ranges.find(({ name }) => name === (query.range ?? '')) ?? ranges[0];
    if (!range) throw new Error('There are no ranges');
    const todayMs = Date.parse(utcDay(Date.now()));
    const startMs = todayMs - (range.days - 1) * dayMs;
    const of = { start_date: utcDay(startMs), limit: 6 };
    const [timeline, models, users, failures, budgets] = await Promise.all([
      readTimeline(api, range, startMs),
      api.get<{ models: ModelFigures[] }>('/v1/analytics/models', of),
      api.get<{ users: UserFigures[]; total_users: number }>('/v1/analytics/user-usage', of),
      api.get<RequestPage>('/v1/requests', { status: 'failed', limit: 6, since: new Date(startMs).toISOString() }),
      api.get<{ budgets: Budget[] }>('/v1/budgets', { limit: 200 }),
    ]);
    const closest = budgets.budgets.toSorted((one, other) => other.used_percent - one.used_percent).slice(0, 5);
    return {
      ...{ range, ...timeline, models: models.models, users: users.users, totalUsers: users.total_users },
      ...{ failures: failures.requests, budgets: closest },
    };
  },
  show: (data, view) => html`${showRanges(data.range, view)} ${showFigures(data)} ${showCharts(data)}
    <div class="halves">
      ${showModels(data)} ${showUsers(data)} ${showBudgets(data)} ${showFailures(data)}
    </div>`,
});

/** The points of the range, and as many before: of a day, those until the same hour. */
async function readTimeline(api: Api, { interval, days }: Range, startMs: number) {
  const { points } = await api.get<Timeline>('/v1/analytics/timeline', {
    interval,
    start_date: utcDay(startMs - days * dayMs),
  });
  const now = points.filter(({ start }) => Date.parse(start) >= startMs);
  const earlier = points.filter(({ start }) => Date.parse(start) < startMs);
  return { now, before: earlier.slice(0, now.length) };
}

function showRanges({ name: current }: Range, view: View): TemplateResult {
  return html`<div class="ways" role="group" aria-label="Period">
    ${ranges.map(
      ({ name, label }) =>
        html`<button type="button" aria-pressed=${name === current} @click=${() => view.filter({ range: name })}>${label}</button>`,
    )}
  </div>`;
}

function showFigures({ range, now, before, totalUsers }: Overview): TemplateResult {
  const [a, b] = [sum(now), sum(before)];
  const rate = ({ calls, failures }: typeof a) => (calls === 0 ? null : (failures / calls) * 100);
  const hitRate = ({ hits, lookUps }: typeof a) => (lookUps === 0 ? null : (hits / lookUps) * 100);
  const against = range.before;
  const of = (pick: (point: Point) => number) => now.map(pick);
  return showTiles([
    {
      ...{ label: 'Spend', value: money(a.cost), now: a.cost, before: b.cost, against, spark: of((p) => p.total_cost) },
      note: a.unpriced > 0 ? `${count(a.unpriced)} calls without a price` : undefined,
    },
    {
      label: 'Calls',
      value: shortCount(a.calls),
      now: a.calls,
      before: b.calls,
      against,
      spark: of((p) => p.request_count),
    },
    {
      ...{ label: 'Failed', value: percent(rate(a)), now: rate(a) ?? 0, before: rate(b) ?? 0, against, isBad: true },
      ...{
        spark: of((p) => p.failure_count),
        note: a.failures > 0 ? `${count(a.failures)} ${a.failures === 1 ? 'call' : 'calls'}` : undefined,
      },
    },
    {
      ...{
        label: 'Response time',
        value: seconds(a.responseS),
        now: a.responseS ?? 0,
        before: b.responseS ?? 0,
        against,
      },
      ...{ isBad: true, spark: of((p) => p.avg_response_time), note: 'on average' },
    },
    {
      ...{ label: 'Tokens', value: shortCount(a.inputTokens + a.outputTokens), against },
      ...{ now: a.inputTokens + a.outputTokens, before: b.inputTokens + b.outputTokens },
      ...{
        spark: of((p) => p.total_tokens),
        note: `${shortCount(a.inputTokens)} in, ${shortCount(a.outputTokens)} out`,
      },
    },
    a.lookUps > 0
      ? {
          ...{
            label: 'Cache hits',
            value: percent(hitRate(a)),
            now: hitRate(a) ?? 0,
            before: hitRate(b) ?? 0,
            against,
          },
          ...{ spark: of((p) => p.cache.hits), note: `${count(totalUsers)} users` },
        }
      : { label: 'Users', value: count(totalUsers), note: 'who called' },
  ]);
}

function showCharts({ range, now, before }: Overview): TemplateResult {
  const { interval } = range;
  const starts = now.map(({ start }) => start);
  const total = money(sum(now).cost);
  const hasPercentiles = interval === 'hour';
  return html`<div class="halves">
    ${showSection(
      interval === 'hour' ? 'Spend by hour' : 'Spend by day',
      showChart({
        ...{ label: `Spend by ${interval}, in all ${total}`, starts, interval, format: money, tick },
        series: [
          { label: 'Spend', kind: 'bars', tone: 'accent', values: now.map((point) => point.total_cost) },
          { label: 'Before', kind: 'dashes', tone: 'muted', values: now.map((_, i) => before[i]?.total_cost ?? null) },
        ],
      }),
    )}
    ${showSection(
      'Response time',
      showChart({
        ...{ label: `Response time by ${interval}`, starts, interval, format: (value) => seconds(value) },
        series: hasPercentiles
          ? [
              { label: 'Half', kind: 'line', tone: 'accent', values: now.map((point) => point.p50_response_time) },
              { label: '95 %', kind: 'line', tone: 'second', values: now.map((point) => point.p95_response_time) },
            ]
          : [
              {
                ...{ label: 'On average', kind: 'line', tone: 'accent' },
                values: now.map((point) => (point.request_count === 0 ? null : point.avg_response_time)),
              },
            ],
      }),
    )}
  </div>`;
}

function showModels({ models, range }: Overview): TemplateResult {
  const content =
    models.length === 0
      ? showEmpty('No calls in this period', 'They are here when they have ended.')
      : showTable(
          'Models, the most used first',
          [
            {
              label: 'Model',
              show: ({ model }) =>
                model === null
                  ? 'not named'
                  : html`<a href=${linkTo('/requests', { model, period: periodOf(range) })}>${model}</a>`,
            },
            { label: 'Calls', isFigure: true, show: (row) => count(row.request_count) },
            { label: 'Failed', isFigure: true, isExtra: true, show: (row) => percent(100 - row.success_rate) },
            { label: 'Tokens', isFigure: true, isExtra: true, show: (row) => shortCount(row.total_tokens) },
            { label: 'Spend', isFigure: true, show: (row) => cost(row.total_cost) },
          ],
          models,
        );
  return showSection('Models', content);
}

function showUsers({ users, range }: Overview): TemplateResult {
  const content =
    users.length === 0
      ? showEmpty('Nobody has called in this period')
      : showTable(
          'Users, the most active first',
          [
            {
              label: 'User',
              show: ({ user_id }) =>
                user_id === null
                  ? 'without a user'
                  : html`<a href=${linkTo('/requests', { user_id, period: periodOf(range) })}>${user_id}</a>`,
            },
            { label: 'Calls', isFigure: true, show: (row) => count(row.request_count) },
            { label: 'Last call', isFigure: true, isExtra: true, show: (row) => ago(row.last_request_at) },
            { label: 'Spend', isFigure: true, show: (row) => cost(row.total_cost) },
          ],
          users,
        );
  return showSection('Users', content);
}

const periodOf = ({ name }: Range) => (name === '' ? '24h' : name === '7d' ? '7d' : undefined);

function showBudgets({ budgets }: Overview): TemplateResult {
  if (budgets.length === 0) {
    return showSection('Budgets', showEmpty('There is no budget', 'Set one in spec.budgets of the Organization.'));
  }
  return showSection(
    'Budgets',
    html`<ul class="rules">
      ${budgets.map(
        (budget) => html`<li>
          <span class="name">${budget.name}${budget.scope === null ? nothing : html` <span class="muted">${budget.scope}</span>`}</span>
          <span class="figures">${money(budget.used_usd)} <span class="muted">of ${money(budget.amount_usd)}</span></span>
          ${meter(`${budget.name}: ${budget.used_percent} % used`, budget.used_percent, budget.enforced)}
        </li>`,
      )}
    </ul>`,
    html`<a href="#/limits">All</a>`,
  );
}

function showFailures({ failures }: Overview): TemplateResult {
  const content =
    failures.length === 0
      ? showEmpty('No call has failed in this period')
      : html`<ul class="rules">
          ${failures.map(
            (call) => html`<li>
              <span class="name"><a href="#/requests/${call.request_id}">${call.error_code ?? `status ${call.http_status}`}</a></span>
              <span class="figures muted">${ago(call.started_at)}</span>
              <span class="muted whole">${[call.requested_model ?? call.operation, call.user_id, duration(call.duration_ms)].filter(Boolean).join(' · ')}</span>
            </li>`,
          )}
        </ul>`;
  return showSection('Latest failures', content, html`<a href=${linkTo('/requests', { status: 'failed' })}>All</a>`);
}
