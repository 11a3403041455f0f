import { html } from 'lit/html.js';
import { cost, count, duration, money } from '../data/format.ts';
import { linkTo } from '../data/route.ts';
import { definePage } from '../page.ts';
import { badge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { type FilterField, pageOf, showFilters, showPager } from '../parts/filters.ts';
import { moment } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';
import { showTiles } from '../parts/tiles.ts';

interface Session {
  readonly session_id: string;
  readonly user_id: string | null;
  readonly started_at: string;
  readonly duration_minutes: number;
  readonly request_count: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly models_used: readonly string[];
  readonly is_active: boolean;
}

interface Sessions {
  readonly sessions: readonly Session[];
  readonly total_sessions: number;
  readonly active_sessions: number;
  readonly avg_session_duration: number;
  readonly total_cost: number;
}

const filters: readonly FilterField[] = [
  { kind: 'text', name: 'user_id', label: 'User' },
  { kind: 'text', name: 'model', label: 'Model' },
];

export const sessions = definePage<Sessions>({
  path: '/sessions',
  title: 'Sessions',
  about: 'Calls that belong together by their X-Session-ID, of the last 30 days.',
  topics: ['requests'],
  settlingMs: 3_000,
  load: ({ api, query }) =>
    api.get<Sessions>('/v1/analytics/sessions', { user_id: query.user_id, model: query.model, ...pageOf(query) }),
  show: (data, view) => html`${showTiles([
    { label: 'Sessions', value: count(data.total_sessions) },
    { label: 'Active now', value: count(data.active_sessions) },
    { label: 'Length on average', value: duration(data.avg_session_duration * 60_000) },
    { label: 'Spend', value: money(data.total_cost) },
  ])}
    ${showFilters(view, filters)}
    ${
      data.sessions.length === 0
        ? showEmpty('There are no sessions here', 'A session begins with its first call.')
        : showTable(
            'Sessions, the latest first',
            [
              {
                label: 'Session',
                show: (row) =>
                  html`<a href=${linkTo('/requests', { session_id: row.session_id })}><code>${row.session_id}</code></a>`,
              },
              { label: 'User', show: (row) => html`<span class="cut">${row.user_id ?? '–'}</span>` },
              { label: 'Began', isExtra: true, show: (row) => moment(row.started_at) },
              { label: 'State', isExtra: true, show: (row) => (row.is_active ? badge('active', 'good') : 'ended') },
              {
                label: 'Models',
                isExtra: true,
                show: (row) =>
                  html`<span class="cut" title=${row.models_used.join(', ')}>${row.models_used.join(', ')}</span>`,
              },
              { label: 'Length', isFigure: true, show: (row) => duration(row.duration_minutes * 60_000) },
              { label: 'Calls', isFigure: true, show: (row) => count(row.request_count) },
              { label: 'Tokens', isFigure: true, isExtra: true, show: (row) => count(row.total_tokens) },
              { label: 'Spend', isFigure: true, show: (row) => cost(row.total_cost) },
            ],
            data.sessions,
          )
    }
    ${showPager(view, { total: data.total_sessions, ...pageOf(view.query) })}`,
});
