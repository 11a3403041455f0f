import { html, type TemplateResult } from 'lit/html.js';
import { exact, none, relative, time } from '../data/format.ts';

/** A moment in the reader's zone; in UTC where the pointer rests on it. */
export function moment(at: string | null | undefined): TemplateResult | string {
  return at == null ? none : html`<time datetime=${exact(at)} title=${exact(at)}>${time(at)}</time>`;
}

export function ago(at: string | null | undefined): TemplateResult | string {
  return at == null ? none : html`<time datetime=${exact(at)} title=${exact(at)}>${relative(at)}</time>`;
}
