import { html, nothing, type TemplateResult } from 'lit/html.js';
import { count } from '../data/format.ts';
import { definePage } from '../page.ts';
import { badge, type Tone } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { type FilterField, pageOf, periods, showFilters, showPager, sinceOf } from '../parts/filters.ts';
import { moment } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';

interface Change {
  readonly field: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

interface Entry {
  readonly seq: number;
  readonly at: string;
  readonly kind: 'resource' | 'api' | 'refusal' | 'revocation' | 'cut';
  readonly action: string | null;
  readonly subject: string | null;
  readonly code: string | null;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly changes: readonly Change[];
  readonly details: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

interface Entries {
  readonly entries: readonly Entry[];
  readonly total: number;
}

const filters: readonly FilterField[] = [
  { kind: 'choice', name: 'period', label: 'Period', options: [['', 'Any time'], ...periods.slice(1)] },
  {
    ...{ kind: 'choice', name: 'kind', label: 'Kind' },
    options: [
      ['', 'Any'],
      ['resource', 'Changes of resources'],
      ['api', 'Changes by API'],
      ['refusal', 'Refusals'],
      ['revocation', 'Revocations'],
      ['cut', 'Cuts'],
    ],
  },
  { kind: 'text', name: 'actor', label: 'Who' },
  { kind: 'text', name: 'subject', label: 'Of what', placeholder: 'Organization/acme' },
  { kind: 'text', name: 'code', label: 'Error code', placeholder: 'limit_reached' },
];

export const audit = definePage<Entries>({
  path: '/audit',
  title: 'Audit log',
  about: 'Who changed what, and what was refused by which rule. Entries are chained by their hashes.',
  roles: ['admin'],
  topics: ['audit'],
  load: ({ api, query: { period, page, ...asked } }) =>
    api.get<Entries>('/v1/audit', { ...asked, since: sinceOf(period), ...pageOf({ page: page ?? '0' }) }),
  show: (data, view) => html`${showFilters(view, filters)}
    ${
      data.entries.length === 0
        ? showEmpty('No entry is like this', 'Changes and refusals appear here within seconds.')
        : showTable(
            'Entries of the audit log, the newest first',
            [
              {
                label: 'Nr.',
                isFigure: true,
                isExtra: true,
                show: (entry) => html`<span class="muted">${count(entry.seq)}</span>`,
              },
              { label: 'Time', show: (entry) => moment(entry.at) },
              { label: 'Kind', show: (entry) => badge(entry.kind, tones[entry.kind]) },
              {
                label: 'Who',
                show: (entry) => html`<span class="cut" title=${actorOf(entry)}>${actorOf(entry)}</span>`,
              },
              { label: 'What', show: showWhat },
            ],
            data.entries,
            { key: ({ seq }) => seq },
          )
    }
    ${showPager(view, { total: data.total, ...pageOf(view.query) })}`,
});

const tones: Readonly<Record<Entry['kind'], Tone>> = {
  ...{ resource: 'accent', api: 'accent', refusal: 'warn', revocation: 'bad', cut: 'calm' },
};

function actorOf({ actor }: Entry): string {
  const list = (value: unknown) => (Array.isArray(value) ? value.map(nameOf).join(', ') : undefined);
  return (
    (typeof actor.user === 'string' && actor.user) ||
    list(actor.requesters) ||
    list(actor.managers) ||
    Object.values(actor).map(nameOf).filter(Boolean).join(', ') ||
    '–'
  );
}

function nameOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(nameOf).join(', ');
  if (typeof value === 'object' && value !== null && 'name' in value) return String(value.name);
  if (typeof value === 'object' && value !== null && 'manager' in value) return String(value.manager);
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

function showWhat(entry: Entry): TemplateResult {
  const what = [entry.action, entry.subject].filter(Boolean).join(' ');
  const hasMore = entry.changes.length > 0 || Object.keys(entry.details).length > 0;
  return html`<div class="what">
    ${entry.code === null ? nothing : html`<code>${entry.code}</code>`} ${what}
    ${
      hasMore
        ? html`<details>
            <summary>${entry.changes.length > 0 ? `${count(entry.changes.length)} ${entry.changes.length === 1 ? 'field' : 'fields'}` : 'Details'}</summary>
            ${
              entry.changes.length > 0
                ? html`<ul class="changes">${entry.changes.map(
                    ({ field, before, after }) =>
                      html`<li><code>${field}</code> ${before === undefined ? nothing : html`<del>${textOf(before)}</del>`} ${after === undefined ? nothing : html`<ins>${textOf(after)}</ins>`}</li>`,
                  )}</ul>`
                : nothing
            }
            ${Object.keys(entry.details).length > 0 ? html`<pre class="raw" tabindex="0">${JSON.stringify(entry.details, null, 2)}</pre>` : nothing}
            <p class="small muted">Hash <code>${entry.hash}</code></p>
          </details>`
        : nothing
    }
  </div>`;
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
