import { html, type TemplateResult } from 'lit/html.js';
import { type DiffLine, diffLines } from '../data/diff.ts';

/** How many unchanged lines are shown around a change. */
const context = 2;
const signs = { same: ' ', added: '+', removed: '−' } as const;
const words = { same: '', added: 'added: ', removed: 'removed: ' } as const;

/** What a change does to a text, line by line. */
export function showDiff(label: string, before: string, after: string): TemplateResult {
  const lines = diffLines(before, after);
  const near = (index: number) =>
    lines.slice(Math.max(0, index - context), index + context + 1).some(({ kind }) => kind !== 'same');
  let isGap = false;
  const shown = lines.flatMap((line, index) => {
    if (near(index)) {
      isGap = false;
      return [showLine(line)];
    }
    if (isGap) return [];
    isGap = true;
    return [html`<div class="gap">…</div>`];
  });
  return html`<div class="diff" role="group" aria-label=${label} tabindex="0">${shown}</div>`;
}

function showLine({ kind, text }: DiffLine): TemplateResult {
  return html`<div class=${kind}><span aria-hidden="true">${signs[kind]}</span><span class="spoken">${words[kind]}</span>${text}</div>`;
}
