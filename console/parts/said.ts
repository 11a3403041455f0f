import { html, nothing, type TemplateResult } from 'lit/html.js';
import { bytes } from '../data/format.ts';
import type { Said } from '../data/requests.ts';
import { readAnswered, readAsked, type Words } from '../data/said.ts';

/** What was said, as texts. Nothing in it becomes HTML. */
export function showWords(words: readonly Words[]): TemplateResult {
  return html`<ol class="words">
    ${words.map(({ role, text }) => html`<li class=${roleClass(role)}><span class="role">${role}</span><div class="text">${text}</div></li>`)}
  </ol>`;
}

/** A body: in words where it has some, and always as it is. */
export function showSaid(label: string, said: Said, side: 'asked' | 'answered'): TemplateResult {
  const words = side === 'asked' ? readAsked(said.text) : readAnswered(said.text);
  const raw = html`<pre class="raw" tabindex="0" aria-label="${label}, as it was sent">${pretty(said.text)}</pre>`;
  return html`<div class="said">
    ${words ? showWords(words) : raw}
    ${words ? html`<details><summary>As it was sent, ${bytes(said.bytes)}</summary>${raw}</details>` : nothing}
    ${said.is_cut ? html`<p class="muted">Only the beginning is shown: the body has ${bytes(said.bytes)}.</p>` : nothing}
  </div>`;
}

function roleClass(role: string): string {
  return role === 'user' ? 'user' : role === 'assistant' ? 'assistant' : 'other';
}

export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
