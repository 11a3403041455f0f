import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { View } from '../page.ts';

/** A field of a page's filters. What it says is in the address, so that a view can be kept and sent. */
export type FilterField =
  | { readonly kind: 'text'; readonly name: string; readonly label: string; readonly placeholder?: string }
  | {
      readonly kind: 'choice';
      readonly name: string;
      readonly label: string;
      readonly options: readonly (readonly [value: string, label: string])[];
    };

/** The filters above a list. A choice acts at once; a text acts with Enter, or when its field is left. */
export function showFilters(view: View, fields: readonly FilterField[]): TemplateResult {
  const isFiltered = fields.some(({ name }) => view.query[name] !== undefined);
  const set = (name: string, value: string) => {
    if ((view.query[name] ?? '') !== value) view.filter({ [name]: value, before: '', page: '' });
  };
  const clear = () =>
    view.filter(Object.fromEntries([...fields.map(({ name }) => [name, '']), ['before', ''], ['page', '']]));
  return html`<form class="filters" role="search" aria-label="Filters" @submit=${(event: Event) => event.preventDefault()}>
    ${fields.map((field) => html`<label>${field.label} ${showField(field, view.query[field.name] ?? '', set)}</label>`)}
    ${isFiltered ? html`<button type="button" class="quiet" @click=${clear}>Clear filters</button>` : nothing}
  </form>`;
}

function showField(field: FilterField, value: string, set: (name: string, value: string) => void): TemplateResult {
  const change = (event: Event) => {
    const { target } = event;
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) set(field.name, target.value.trim());
  };
  if (field.kind === 'text')
    return html`<input type="text" name=${field.name} .value=${value} placeholder=${field.placeholder ?? nothing} autocomplete="off" spellcheck="false" @change=${change} />`;
  return html`<select name=${field.name} @change=${change}>
    ${field.options.map(([option, label]) => html`<option value=${option} ?selected=${option === value}>${label}</option>`)}
  </select>`;
}

/** The periods that lists can be asked for. */
export const periods = [
  ['', 'Last 30 days'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
] as const;

const periodMs: Readonly<Record<string, number>> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };

/** When a period begins. Undefined: as the API has it. */
export function sinceOf(period: string | undefined, nowMs = Date.now()): string | undefined {
  const ms = periodMs[period ?? ''];
  return ms === undefined ? undefined : new Date(nowMs - ms).toISOString();
}

/** The buttons below a list of pages by number. */
export function showPager(
  view: View,
  { total, limit, offset }: { total: number; limit: number; offset: number },
): TemplateResult | typeof nothing {
  if (total <= limit && offset === 0) return nothing;
  const page = Math.floor(offset / limit);
  const go = (next: number) => view.filter({ page: next === 0 ? '' : String(next) });
  return html`<nav class="pager" aria-label="Pages of the list">
    <button type="button" ?disabled=${page === 0} @click=${() => go(page - 1)}>Previous</button>
    <span>${offset + 1}–${Math.min(offset + limit, total)} of ${total}</span>
    <button type="button" ?disabled=${offset + limit >= total} @click=${() => go(page + 1)}>Next</button>
  </nav>`;
}

/** What a page of a list asks the API for. */
export function pageOf(query: Readonly<Record<string, string>>, limit = 50): { limit: number; offset: number } {
  const page = Number(query.page ?? 0);
  return { limit, offset: Number.isInteger(page) && page > 0 ? page * limit : 0 };
}
