import { html, type TemplateResult } from 'lit/html.js';
import type { View } from '../page.ts';
import { icon } from './icons.ts';

/** An id with a button that copies it. */
export function copyable(text: string, view: View): TemplateResult {
  const copy = () => void view.act(() => navigator.clipboard.writeText(text), 'Copied');
  return html`<span class="copyable"><code>${text}</code>
    <button type="button" class="icon" aria-label="Copy ${text}" title="Copy" @click=${copy}>${icon('copy')}</button></span>`;
}
