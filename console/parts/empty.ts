import { html, nothing, type TemplateResult } from 'lit/html.js';

/** Where there is nothing: what would be here, and how it comes to be. */
export function showEmpty(title: string, how: unknown = nothing): TemplateResult {
  return html`<div class="empty"><p class="title">${title}</p>${how === nothing ? nothing : html`<p>${how}</p>`}</div>`;
}
