import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { Enveloped, ReviewItem, WholeReview } from '../data/reviews.ts';
import { at } from '../data/route.ts';
import { definePage, type View } from '../page.ts';
import { badge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { type FilterField, pageOf, showFilters, showPager } from '../parts/filters.ts';
import { ago } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';

interface Queue {
  readonly items: readonly ReviewItem[];
  readonly total: number;
}

const filters: readonly FilterField[] = [
  {
    ...{ kind: 'choice', name: 'status', label: 'State' },
    options: [
      ['', 'Any'],
      ['queued', 'Waiting'],
      ['in_review', 'In review'],
      ['reviewed', 'Decided'],
    ],
  },
  { kind: 'text', name: 'category', label: 'Category' },
];

export const reviews = definePage<Queue>({
  path: '/reviews',
  title: 'Review queue',
  about: 'Answers that wait for a person, the most urgent first.',
  roles: ['reviewer', 'analyst'],
  refreshMs: 15_000,
  async load({ api, query: { status, category, page } }) {
    const asked = { status, category, ...pageOf({ page: page ?? '0' }) };
    return (await api.get<Enveloped<Queue>>('/api/v1/review/items', asked)).data;
  },
  show: (data, view) => html`<div class="row spread">
      ${showFilters(view, filters)}
      ${mayReview(view) ? html`<button type="button" class="primary" ?disabled=${view.isBusy} @click=${() => takeNext(view)}>Take the next one <kbd>N</kbd></button>` : nothing}
    </div>
    ${data.items.length === 0 ? showEmpty('Nothing waits for a review', 'Guardrails, generated answers and POST /api/v1/review/queue put answers here.') : showItems(data.items)}
    ${showPager(view, { total: data.total, ...pageOf(view.query) })}`,
  keys: (_, view) => (mayReview(view) ? { n: () => takeNext(view) } : {}),
});

export function mayReview({ me: { roles } }: View): boolean {
  return roles.includes('reviewer') || roles.includes('admin');
}

/** Claims the item whose turn it is, and opens it. */
export function takeNext(view: View): void {
  void view.act(async () => {
    const { data } = await view.api.send<Enveloped<{ item: WholeReview | null }>>('POST', '/api/v1/review/claim', {});
    if (!data.item) throw new Error('Nothing waits for you: the queue is empty');
    view.go(at('/reviews', data.item.item_id));
  });
}

export function reviewBadge({ status, approved }: ReviewItem): TemplateResult {
  if (status === 'reviewed') return approved ? badge('approved', 'good') : badge('rejected', 'bad');
  return status === 'in_review' ? badge('in review', 'accent') : badge('waiting', 'calm');
}

function showItems(items: readonly ReviewItem[]): TemplateResult {
  return showTable(
    'Items of the review queue',
    [
      {
        label: 'Question',
        show: (item) => html`<a class="cut wide" href=${at('#/reviews', item.item_id)}>${item.query}</a>`,
      },
      {
        label: 'State',
        show: (item) =>
          html`${reviewBadge(item)} ${item.held_by !== null && item.status !== 'reviewed' ? badge('held', 'warn') : nothing}`,
      },
      { label: 'Category', isExtra: true, show: (item) => item.category.replaceAll('_', ' ') },
      { label: 'Urgency', isFigure: true, show: (item) => item.priority },
      { label: 'Reviews', isFigure: true, isExtra: true, show: (item) => `${item.reviews} of ${item.reviews_needed}` },
      { label: 'With', isExtra: true, show: (item) => item.claimed_by ?? '–' },
      { label: 'Queued', isFigure: true, show: (item) => ago(item.created_at) },
    ],
    items,
    { key: ({ item_id }) => item_id },
  );
}
