import { html, nothing } from 'lit/html.js';
import type { Persona } from '../data/personas.ts';
import { at } from '../data/route.ts';
import { definePage } from '../page.ts';
import { badge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { type FilterField, pageOf, showFilters, showPager } from '../parts/filters.ts';
import { ago } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';

interface Personas {
  readonly personas: readonly Persona[];
  readonly total: number;
}

const filters: readonly FilterField[] = [
  {
    ...{ kind: 'choice', name: 'state', label: 'State' },
    options: [
      ['', 'In use'],
      ['inactive', 'Not in use'],
    ],
  },
];

export const personas = definePage<Personas>({
  path: '/personas',
  title: 'Personas',
  about: 'Instructions and parameters that calls can name, so that applications need not contain them.',
  load: ({ api, me, query }) =>
    api.get<Personas>('/v1/personas', {
      ...{ is_active: query.state !== 'inactive', all_users: me.sees_organization },
      ...pageOf(query),
    }),
  show: (data, view) => html`<div class="row spread">
      ${showFilters(view, filters)}
      ${view.me.roles.includes('admin') ? html`<a class="button" href="#/personas/new">New persona</a>` : nothing}
    </div>
    ${
      data.personas.length === 0
        ? showEmpty('There are no personas here', html`State one as a <code>Persona</code> in YAML, or make one here.`)
        : showTable(
            'Personas, by name',
            [
              { label: 'Name', show: (row) => html`<a href=${at('#/personas', row.id)}>${row.name}</a>` },
              {
                label: 'What for',
                isExtra: true,
                show: (row) => html`<span class="cut wide">${row.description ?? '–'}</span>`,
              },
              {
                label: 'For',
                show: (row) =>
                  row.users.length === 0
                    ? 'everyone'
                    : html`<span class="cut" title=${row.users.join(', ')}>${row.users.join(', ')}</span>`,
              },
              { label: 'Model', isExtra: true, show: (row) => row.model ?? '–' },
              {
                label: 'Owned by',
                isExtra: true,
                show: (row) => (row.managed_by === null ? badge('API', 'calm') : badge(row.managed_by, 'accent')),
              },
              { label: 'Changed', isFigure: true, show: (row) => ago(row.updated_at) },
            ],
            data.personas,
          )
    }
    ${showPager(view, { total: data.total, ...pageOf(view.query) })}`,
});
