import { html, nothing, type TemplateResult } from 'lit/html.js';
import { cost, count, duration } from '../data/format.ts';
import type { ListedRequest, RequestPage } from '../data/requests.ts';
import { linkTo } from '../data/route.ts';
import { definePage, type View } from '../page.ts';
import { badge, stateBadge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { type FilterField, periods, showFilters, sinceOf } from '../parts/filters.ts';
import { moment } from '../parts/moment.ts';
import { type Column, showTable } from '../parts/table.ts';

const filters: readonly FilterField[] = [
  { kind: 'choice', name: 'period', label: 'Period', options: periods },
  {
    ...{ kind: 'choice', name: 'status', label: 'Status' },
    options: [
      ['', 'Any'],
      ['completed', 'Completed'],
      ['failed', 'Failed'],
      ['cancelled', 'Cancelled'],
      ['interrupted', 'Interrupted'],
    ],
  },
  { kind: 'text', name: 'model', label: 'Model', placeholder: 'gpt-4o' },
  { kind: 'text', name: 'user_id', label: 'User', placeholder: 'ada@example.com' },
  {
    ...{ kind: 'choice', name: 'operation', label: 'Operation' },
    options: [
      ['', 'Any'],
      ...[
        'responses',
        'chat',
        'messages',
        'embeddings',
        'completions',
        'images',
        'speech',
        'transcriptions',
        'realtime',
      ].map((name) => [name, name] as const),
    ],
  },
  {
    ...{ kind: 'choice', name: 'with', label: 'With' },
    options: [
      ['', 'Anything'],
      ['guardrails', 'Guardrail hits'],
      ['cache', 'Answers from the cache'],
      ['slow', '10 seconds and more'],
      ['analysis', 'Calls of analyses'],
    ],
  },
];

const asked: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>> = {
  guardrails: { has_guardrail_hits: true },
  cache: { cache: 'hit' },
  slow: { min_duration_ms: 10_000 },
  analysis: { kind: 'analysis' },
};

export const requests = definePage<RequestPage>({
  path: '/requests',
  title: 'Requests',
  about: 'Every call that has ended, the latest first.',
  topics: ['requests'],
  load: ({ api, query }) => {
    const { period, with: kind, range: _, page: __, ...others } = query;
    return api.get<RequestPage>('/v1/requests', { ...others, ...asked[kind ?? ''], since: sinceOf(period), limit: 50 });
  },
  show: ({ requests: calls, next }, view) => html`
    ${showFilters(view, filters)} ${showOtherFilters(view)}
    ${
      calls.length === 0
        ? showNone(view)
        : html`${showTable('Requests, the latest first', columns, calls, {
            key: ({ request_id }) => request_id,
            rowClass: ({ status }) => (status === 'failed' ? 'failed' : ''),
          })}
            ${showOlder(view, next)}`
    }`,
});

const columns: readonly Column<ListedRequest>[] = [
  {
    label: 'Time',
    show: (call) => html`<a class="plain" href="#/requests/${call.request_id}">${moment(call.started_at)}</a>`,
  },
  { label: 'Status', show: (call) => stateBadge(call.status) },
  {
    label: 'Model',
    show: (call) => html`<span class="strong">${call.requested_model ?? call.model ?? '–'}</span>
      <span class="muted">${call.operation}</span>`,
  },
  { label: 'User', show: (call) => html`<span class="cut">${call.user_id ?? '–'}</span>` },
  { label: 'What happened', isExtra: true, show: (call) => showMarks(call) },
  {
    ...{ label: 'Tokens', isFigure: true, isExtra: true },
    show: (call) =>
      call.total_tokens === null
        ? '–'
        : html`${count(call.input_tokens)} <span class="muted">+</span> ${count(call.output_tokens)}`,
  },
  { label: 'Cost', isFigure: true, show: (call) => cost(call.total_cost) },
  { label: 'Took', isFigure: true, show: (call) => duration(call.duration_ms) },
];

/** Whatever is unusual about a call. */
function showMarks(call: ListedRequest): TemplateResult {
  return html`<span class="marks">
    ${call.error_code === null ? nothing : html`<code>${call.error_code}</code>`}
    ${call.persona === null ? nothing : badge(call.persona, 'calm')}
    ${call.guardrail_hits.map((name) => badge(name, 'warn'))}
    ${call.cache === 'hit' ? badge('cache', 'accent') : nothing}
    ${call.attempt_count > 1 ? badge(`${call.attempt_count} attempts`, 'warn') : nothing}
  </span>`;
}

/** Filters that other pages set, and that have no field here. */
function showOtherFilters(view: View): unknown {
  const names = ['session_id', 'conversation_id', 'persona_id', 'namespace', 'provider', 'error_code', 'guardrail'];
  const stated = names.filter((name) => view.query[name] !== undefined);
  if (stated.length === 0) return nothing;
  return html`<p class="chips">
    ${stated.map(
      (name) => html`<button type="button" class="chip" @click=${() => view.filter({ [name]: '', before: '' })}>
        ${name.replace('_id', '').replaceAll('_', ' ')}: <strong>${view.query[name]}</strong> <span aria-hidden="true">×</span><span class="spoken">, remove</span>
      </button>`,
    )}
  </p>`;
}

function showNone({ query, me }: View): TemplateResult {
  const { period: _, ...others } = query;
  if (Object.keys(others).length > 0) {
    return showEmpty(
      'No call is like this',
      'Change or clear the filters. What was refused before it was sent is in the audit log.',
    );
  }
  return showEmpty(
    me.sees_organization ? 'There are no calls yet' : 'You have made no calls yet',
    html`Point a client at <code>${location.origin}/v1</code>, and its calls appear here when they have ended.`,
  );
}

function showOlder(view: View, next: string | null): TemplateResult {
  return html`<nav class="pager" aria-label="Pages of the list">
    ${view.query.before === undefined ? nothing : html`<button type="button" @click=${() => view.filter({ before: '' })}>Newest</button>`}
    ${next === null ? html`<span class="muted">There are no older ones in this period.</span>` : html`<a class="button" href=${linkTo('/requests', { ...view.query, before: next })}>Older</a>`}
  </nav>`;
}
