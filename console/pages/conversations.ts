import { html } from 'lit/html.js';
import type { Conversation } from '../data/conversations.ts';
import { cost, count } from '../data/format.ts';
import { at } from '../data/route.ts';
import { definePage } from '../page.ts';
import { showEmpty } from '../parts/empty.ts';
import { type FilterField, pageOf, periods, showFilters, showPager, sinceOf } from '../parts/filters.ts';
import { ago } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';

interface Conversations {
  readonly conversations: readonly Conversation[];
  readonly total: number;
}

const filters: readonly FilterField[] = [
  { kind: 'choice', name: 'period', label: 'Last call', options: [['', 'Any time'], ...periods.slice(1)] },
  { kind: 'text', name: 'user', label: 'User' },
  { kind: 'text', name: 'session', label: 'Session' },
  { kind: 'text', name: 'model', label: 'Model that answered' },
];

export const conversations = definePage<Conversations>({
  path: '/conversations',
  title: 'Conversations',
  about: 'Calls that continue one another, and the branches where they part.',
  topics: ['requests'],
  load: ({ api, query: { period, page, ...asked } }) =>
    api.get<Conversations>('/api/conversations', {
      ...asked,
      since: sinceOf(period),
      ...pageOf({ page: page ?? '0' }),
    }),
  show: (data, view) => html`${showFilters(view, filters)}
    ${
      data.conversations.length === 0
        ? showEmpty('There are no conversations here', 'A conversation begins with a call in words, such as a chat.')
        : showTable(
            'Conversations, those with the latest calls first',
            [
              {
                label: 'Last call',
                show: (row) => html`<a href=${at('#/conversations', row.conversationId)}>${ago(row.lastCallAt)}</a>`,
              },
              { label: 'User', show: (row) => html`<span class="cut">${row.user ?? '–'}</span>` },
              { label: 'Session', isExtra: true, show: (row) => html`<code class="cut">${row.sessionId}</code>` },
              {
                label: 'Models',
                isExtra: true,
                show: (row) => html`<span class="cut" title=${row.models.join(', ')}>${row.models.join(', ')}</span>`,
              },
              { label: 'Calls', isFigure: true, show: (row) => count(row.calls) },
              { label: 'Branches', isFigure: true, isExtra: true, show: (row) => count(row.branches) },
              { label: 'Tokens', isFigure: true, isExtra: true, show: (row) => count(row.totalTokens) },
              { label: 'Spend', isFigure: true, show: (row) => cost(row.costUsd) },
            ],
            data.conversations,
          )
    }
    ${showPager(view, { total: data.total, ...pageOf(view.query) })}`,
});
