import { html, nothing, type TemplateResult } from 'lit/html.js';
import { duration } from '../data/format.ts';
import type { Delivery, Webhook } from '../data/webhooks.ts';
import { definePage, type View } from '../page.ts';
import { stateBadge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { showFacts, showSection } from '../parts/facts.ts';
import { type FilterField, pageOf, showFilters, showPager } from '../parts/filters.ts';
import { moment } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';
import { stateOf } from './webhooks.ts';

interface Data {
  readonly webhook: Webhook;
  readonly deliveries: readonly Delivery[];
  readonly total: number;
}

const filters: readonly FilterField[] = [
  {
    ...{ kind: 'choice', name: 'state', label: 'State' },
    options: [
      ['', 'Any'],
      ['waiting', 'Waiting'],
      ['delivered', 'Delivered'],
      ['dead', 'Given up'],
    ],
  },
];

export const webhook = definePage<Data>({
  path: '/webhooks/:id',
  title: 'Webhook',
  roles: ['admin'],
  topics: ['webhooks'],
  async load({ api, params: { id = '' }, query }) {
    const path = `/v1/webhooks/${encodeURIComponent(id)}`;
    const [found, sent] = await Promise.all([
      api.get<Webhook>(path),
      api.get<{ deliveries: Delivery[]; total: number }>(`${path}/deliveries`, {
        state: query.state,
        ...pageOf(query),
      }),
    ]);
    return { webhook: found, deliveries: sent.deliveries, total: sent.total };
  },
  show: (data, view) => html`<p class="crumbs"><a href="#/webhooks">Webhooks</a></p>
    ${showSection(data.webhook.name, showAbout(data.webhook, view))}
    ${showFilters(view, filters)}
    ${data.deliveries.length === 0 ? showEmpty('Nothing was sent', 'Deliveries are kept for 30 days. A test sends one now.') : showDeliveries(data.deliveries)}
    ${showPager(view, { total: data.total, ...pageOf(view.query) })}`,
});

function showAbout(found: Webhook, view: View): TemplateResult {
  const path = `/v1/webhooks/${found.id}`;
  const test = () =>
    view.act(async () => {
      await view.api.send('POST', `${path}/test`);
      await view.reload();
    }, 'A worker sends the test now');
  const enable = () =>
    view.act(async () => {
      await view.api.send('PATCH', path, { is_active: true });
      await view.reload();
    }, 'It is told of events again');
  const isOff = found.disabled_at !== null || !found.is_active;
  return html`${showFacts([
    ['State', stateOf(found)],
    ['Address', html`<code>${found.url}</code>`],
    ['Events', found.events?.join(', ') ?? 'all'],
    ['Last failure', found.last_failure],
    ['Owned by', found.managed_by ?? 'API'],
    ['Made', moment(found.created_at)],
  ])}
    <div class="row">
      <button type="button" ?disabled=${view.isBusy} @click=${test}>Send a test</button>
      ${isOff && found.managed_by === null ? html`<button type="button" ?disabled=${view.isBusy} @click=${enable}>Enable again</button>` : nothing}
    </div>`;
}

function showDeliveries(deliveries: readonly Delivery[]): TemplateResult {
  return showTable(
    'Deliveries, the latest first',
    [
      { label: 'Made', show: (row) => moment(row.created_at) },
      { label: 'Event', show: (row) => html`<code>${row.event}</code>` },
      { label: 'State', show: (row) => stateBadge(row.state) },
      { label: 'About', isExtra: true, show: (row) => html`<span class="cut">${row.subject}</span>` },
      { label: 'Answer', isExtra: true, show: (row) => row.last_error ?? row.last_status ?? '–' },
      { label: 'Attempts', isFigure: true, show: (row) => row.attempts },
      { label: 'Took', isFigure: true, isExtra: true, show: (row) => duration(row.last_duration_ms) },
    ],
    deliveries,
    { key: ({ id }) => id },
  );
}
