import { html, nothing, type TemplateResult } from 'lit/html.js';
import { relative } from '../data/format.ts';
import { at } from '../data/route.ts';
import type { Webhook } from '../data/webhooks.ts';
import { definePage } from '../page.ts';
import { badge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { pageOf, showPager } from '../parts/filters.ts';
import { showTable } from '../parts/table.ts';

interface Webhooks {
  readonly webhooks: readonly Webhook[];
  readonly total: number;
}

export const webhooks = definePage<Webhooks>({
  path: '/webhooks',
  title: 'Webhooks',
  about: 'Who is told of events, and how that goes.',
  roles: ['admin'],
  topics: ['webhooks'],
  load: ({ api, query }) => api.get<Webhooks>('/v1/webhooks', pageOf(query)),
  show: (data, view) => html`${
    data.webhooks.length === 0
      ? showEmpty(
          'There are no webhooks',
          html`State them in <code>spec.webhooks</code> of the Organization, or make one by <code>POST /v1/webhooks</code>.`,
        )
      : showTable(
          'Webhooks',
          [
            { label: 'Name', show: (row) => html`<a href=${at('#/webhooks', row.id)}>${row.name}</a>` },
            { label: 'State', show: stateOf },
            { label: 'Address', show: (row) => html`<code class="cut wide">${row.url}</code>` },
            {
              label: 'Events',
              isExtra: true,
              show: (row) => html`<span class="cut">${row.events?.join(', ') ?? 'all'}</span>`,
            },
            { label: 'Owned by', isExtra: true, show: (row) => row.managed_by ?? 'API' },
          ],
          data.webhooks,
          { key: ({ id }) => id },
        )
  }
  ${showPager(view, { total: data.total, ...pageOf(view.query) })}`,
});

export function stateOf({ is_active, disabled_at, failing_since, last_failure }: Webhook): TemplateResult {
  if (disabled_at !== null)
    return html`${badge('disabled', 'bad')} <span class="muted">${relative(disabled_at)}</span>`;
  if (!is_active) return badge('off', 'calm');
  if (failing_since === null) return badge('well', 'good');
  return html`<span title=${last_failure ?? nothing}>${badge('failing', 'warn')} <span class="muted">since ${relative(failing_since)}</span></span>`;
}
