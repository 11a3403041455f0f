import { html, type TemplateResult } from 'lit/html.js';
import { count } from '../data/format.ts';
import type { ListedRequest, RequestPage } from '../data/requests.ts';
import { at, linkTo } from '../data/route.ts';
import { definePage } from '../page.ts';
import { badge, stateBadge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { showSection } from '../parts/facts.ts';
import { type FilterField, periods, showFilters, sinceOf } from '../parts/filters.ts';
import { meter } from '../parts/meter.ts';
import { moment } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';

interface Refusal {
  readonly seq: number;
  readonly at: string;
  readonly code: string | null;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly details: Readonly<Record<string, unknown>>;
}

interface Hits {
  readonly calls: readonly ListedRequest[];
  readonly isMore: boolean;
  /** What was refused before it was sent. Null: the reader may not see it. */
  readonly refusals: readonly Refusal[] | null;
}

const filters: readonly FilterField[] = [
  { kind: 'choice', name: 'period', label: 'Period', options: periods },
  { kind: 'text', name: 'guardrail', label: 'Guardrail' },
  { kind: 'text', name: 'user_id', label: 'User' },
];

export const guardrails = definePage<Hits>({
  path: '/guardrails',
  title: 'Guardrail hits',
  about: 'Where a guardrail has found something: in calls that went on, and in calls that it refused.',
  topics: ['requests', 'audit'],
  async load({ api, me, query: { period, guardrail, user_id } }) {
    const since = sinceOf(period);
    const isAdmin = me.roles.includes('admin');
    const [calls, refusals] = await Promise.all([
      api.get<RequestPage>('/v1/requests', {
        has_guardrail_hits: true,
        since,
        guardrail,
        user_id,
        kind: 'all',
        limit: 200,
      }),
      isAdmin
        ? api.get<{ entries: Refusal[] }>('/v1/audit', {
            kind: 'refusal',
            code: 'guardrail_blocked',
            since,
            actor: user_id,
            limit: 50,
          })
        : null,
    ]);
    return { calls: calls.requests, isMore: calls.next !== null, refusals: refusals?.entries ?? null };
  },
  show: (data, view) => html`${showFilters(view, filters)}
    <div class="aside">
      <div class="page">
        ${showSection('In calls that went on', showCalls(data))}
        ${data.refusals === null ? '' : showSection('Refused', showRefusals(data.refusals))}
      </div>
      ${showSection('By guardrail', showCounts(data))}
    </div>`,
});

function showCalls({ calls }: Hits): TemplateResult {
  if (calls.length === 0)
    return showEmpty(
      'No guardrail has found anything in this period',
      'Guardrails are in spec.guardrails of the Organization.',
    );
  return showTable(
    'Calls with guardrail hits, the latest first',
    [
      {
        label: 'Time',
        show: (call) => html`<a class="plain" href=${at('#/requests', call.request_id)}>${moment(call.started_at)}</a>`,
      },
      {
        label: 'Guardrails',
        show: (call) => html`<span class="marks">${call.guardrail_hits.map((name) => badge(name, 'warn'))}</span>`,
      },
      { label: 'User', show: (call) => html`<span class="cut">${call.user_id ?? '–'}</span>` },
      { label: 'Model', isExtra: true, show: (call) => call.requested_model ?? call.operation },
      { label: 'Status', isExtra: true, show: (call) => stateBadge(call.status) },
    ],
    calls,
    { key: ({ request_id }) => request_id },
  );
}

function showRefusals(refusals: readonly Refusal[]): TemplateResult {
  if (refusals.length === 0) return showEmpty('No guardrail has refused a call in this period');
  return showTable(
    'Calls that guardrails have refused, the latest first',
    [
      { label: 'Time', show: (entry) => moment(entry.at) },
      { label: 'Rule', show: (entry) => html`<code>${ruleOf(entry)}</code>` },
      { label: 'User', show: (entry) => html`<span class="cut">${String(entry.actor.user ?? '–')}</span>` },
      { label: 'Route', isExtra: true, show: (entry) => html`<code>${String(entry.details.route ?? '')}</code>` },
      { label: 'Times', isFigure: true, show: (entry) => count(Number(entry.details.count ?? 1)) },
    ],
    refusals,
    { key: ({ seq }) => seq },
  );
}

function ruleOf({ details: { rule } }: Refusal): string {
  return typeof rule === 'object' && rule !== null && 'name' in rule ? String(rule.name) : '–';
}

function showCounts({ calls, isMore }: Hits): TemplateResult {
  const counts = new Map<string, number>();
  for (const name of calls.flatMap(({ guardrail_hits }) => guardrail_hits))
    counts.set(name, (counts.get(name) ?? 0) + 1);
  if (counts.size === 0) return html`<p class="muted">Nothing to count.</p>`;
  const most = Math.max(...counts.values());
  return html`<ul class="rules">
      ${[...counts]
        .toSorted(([, one], [, other]) => other - one)
        .map(
          ([name, times]) => html`<li>
            <a class="name" href=${linkTo('/guardrails', { guardrail: name })}>${name}</a><span class="figures">${count(times)}</span>
            ${meter(`${name}: ${times} calls`, (times / most) * 79)}
          </li>`,
        )}
    </ul>
    ${isMore ? html`<p class="muted small">Of the latest 200 calls.</p>` : ''}`;
}
