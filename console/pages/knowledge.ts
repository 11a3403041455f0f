import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { Article, Found, IndexState } from '../data/articles.ts';
import { count } from '../data/format.ts';
import { at } from '../data/route.ts';
import { definePage, type View } from '../page.ts';
import { badge, stateBadge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { showSection } from '../parts/facts.ts';
import { type FilterField, pageOf, showFilters, showPager } from '../parts/filters.ts';
import { ago } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';
import { showTiles } from '../parts/tiles.ts';

interface Articles {
  readonly articles: readonly Article[];
  readonly total: number;
  readonly index: IndexState;
  /** Undefined: nobody has searched. */
  readonly found: Found | undefined;
}

const filters = ({ me }: View): FilterField[] => [
  { kind: 'text', name: 'search', label: 'Search as a customer asks', placeholder: 'I forgot my pasword' },
  { kind: 'text', name: 'category', label: 'Category' },
  { kind: 'text', name: 'tag', label: 'Tag' },
  ...(me.sees_organization
    ? [
        {
          ...({ kind: 'choice', name: 'status', label: 'State' } as const),
          options: [
            ['', 'Any'],
            ['published', 'Published'],
            ['draft', 'Draft'],
          ] as const,
        },
      ]
    : []),
];

export const knowledge = definePage<Articles>({
  path: '/knowledge',
  title: 'Knowledge base',
  about: 'What the support desk answers from.',
  async load({ api, query: { search, page, ...asked } }) {
    const [listed, found] = await Promise.all([
      api.get<Omit<Articles, 'found'>>('/api/v1/knowledge-base', { ...asked, ...pageOf({ page: page ?? '0' }) }),
      search === undefined
        ? undefined
        : api.send<Found>('POST', '/api/v1/knowledge-base/search', { query: search, limit: 8 }),
    ]);
    return { ...listed, found };
  },
  show: (data, view) => html`${showTiles([
    { label: 'Published', value: count(data.index.published) },
    { label: 'In the index', value: count(data.index.indexed), note: data.index.embedding_model ?? 'by words alone' },
    { label: 'Passages', value: count(data.index.passages) },
    ...(data.index.refused > 0 ? [{ label: 'Refused by the model', value: count(data.index.refused) }] : []),
  ])}
    ${showFilters(view, filters(view))} ${data.found ? showFound(data.found) : nothing}
    ${
      data.articles.length === 0
        ? showEmpty(
            'There are no articles here',
            html`Add one by <code>POST /api/v1/knowledge-base</code>, or as a Markdown file in git.`,
          )
        : showTable(
            'Articles, those that were changed last first',
            [
              { label: 'Title', show: (row) => html`<a href=${at('#/knowledge', row.article_id)}>${row.title}</a>` },
              { label: 'State', show: (row) => stateBadge(row.status) },
              { label: 'Category', isExtra: true, show: (row) => row.category ?? '–' },
              {
                label: 'Tags',
                isExtra: true,
                show: (row) => html`<span class="cut" title=${row.tags.join(', ')}>${row.tags.join(', ')}</span>`,
              },
              { label: 'Language', isExtra: true, show: (row) => row.language },
              { label: 'Index', isExtra: true, show: (row) => (row.indexed ? 'found' : badge('on its way', 'warn')) },
              { label: 'Version', isFigure: true, isExtra: true, show: (row) => row.version },
              { label: 'Changed', isFigure: true, show: (row) => ago(row.updated_at) },
            ],
            data.articles,
          )
    }
    ${showPager(view, { total: data.total, ...pageOf(view.query) })}`,
});

function showFound({ results, ranked_by: by }: Found): TemplateResult {
  return showSection(
    'What a customer would find',
    results.length === 0
      ? showEmpty('No article answers this')
      : html`<ol class="found">
          ${results.map(
            (one) => html`<li>
              <p><a href=${at('#/knowledge', one.article_id)}>${one.title}</a> <span class="muted figures">${one.score.toFixed(3)}</span></p>
              <p class="muted">${one.passage}</p>
            </li>`,
          )}
        </ol>`,
    html`<span class="muted small">by ${by.replaceAll('_', ' ')}</span>`,
  );
}
