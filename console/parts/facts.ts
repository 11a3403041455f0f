import { html, nothing, type TemplateResult } from 'lit/html.js';

/** Names and values, one below the other. Those without a value are left out. */
export function showFacts(facts: readonly (readonly [name: string, value: unknown])[]): TemplateResult {
  return html`<dl class="facts">
    ${facts
      .filter(
        ([, value]) => value !== null && value !== undefined && value !== false && value !== '' && value !== nothing,
      )
      .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/** A part of a page with a heading of its own. */
export function showSection(title: string, content: unknown, aside: unknown = nothing): TemplateResult {
  return html`<section class="panel">
    <div class="panel-head"><h2>${title}</h2>${aside}</div>
    ${content}
  </section>`;
}
