import { html, nothing } from 'lit/html.js';
import { linkTo } from '../data/route.ts';
import { definePage } from '../page.ts';
import { badge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { pageOf, showPager } from '../parts/filters.ts';
import { ago } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';

interface AnalysisConfig {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly config: Readonly<Record<string, unknown>>;
  readonly is_active: boolean;
  readonly managed_by: string | null;
  readonly updated_at: string;
}

interface Configs {
  readonly configs: readonly AnalysisConfig[];
  readonly total: number;
}

export const analyses = definePage<Configs>({
  path: '/analyses',
  title: 'Analyses',
  about: 'What classifies calls and conversations. An analysis of a conversation is on the page of the conversation.',
  load: ({ api, query }) => api.get<Configs>('/v1/analysis/configs', pageOf(query)),
  show: (data, view) => html`<p class="row">
      <a class="button" href="#/conversations">Conversations to analyze</a>
      <a class="button" href=${linkTo('/requests', { with: 'analysis' })}>Calls that analyses made</a>
    </p>
    ${
      data.configs.length === 0
        ? showEmpty(
            'There are no configs',
            html`State one as an <code>AnalysisConfig</code> in YAML, or make one by <code>POST /v1/analysis/configs</code>.`,
          )
        : showTable(
            'Configs of analyses, by name',
            [
              { label: 'Name', show: (row) => html`<span class="strong">${row.name}</span>` },
              {
                label: 'What for',
                isExtra: true,
                show: (row) => html`<span class="cut wide">${row.description ?? '–'}</span>`,
              },
              { label: 'Kind', show: (row) => String(row.config.analysis_type ?? 'template').replaceAll('_', ' ') },
              {
                label: 'Categories',
                isFigure: true,
                isExtra: true,
                show: (row) => (Array.isArray(row.config.categories) ? row.config.categories.length : '–'),
              },
              { label: 'Model', isExtra: true, show: (row) => String(row.config.model ?? '–') },
              { label: 'State', show: (row) => (row.is_active ? badge('in use', 'good') : badge('off', 'calm')) },
              { label: 'Owned by', isExtra: true, show: (row) => row.managed_by ?? 'API' },
              { label: 'Changed', isFigure: true, show: (row) => ago(row.updated_at) },
            ],
            data.configs,
          )
    }
    ${showPager(view, { total: data.total, ...pageOf(view.query) }) ?? nothing}`,
});
