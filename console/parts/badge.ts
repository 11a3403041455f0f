import { html, type TemplateResult } from 'lit/html.js';

export type Tone = 'good' | 'bad' | 'warn' | 'calm' | 'accent';

/** A state in a word. Its colour is only beside the word, never instead of it. */
export function badge(text: string, tone: Tone = 'calm'): TemplateResult {
  return html`<span class="badge ${tone}">${text}</span>`;
}

const tones: Readonly<Record<string, Tone>> = {
  ...{ completed: 'good', failed: 'bad', cancelled: 'warn', interrupted: 'warn', allowed: 'good', refused: 'bad' },
  ...{ delivered: 'good', waiting: 'calm', dead: 'bad', running: 'accent', pending: 'calm', processing: 'accent' },
  ...{ active: 'good', inactive: 'calm', published: 'good', draft: 'calm', escalated: 'warn', resolved: 'good' },
  ...{ passed: 'good', unknown: 'warn', not_reached: 'calm', well: 'good', open: 'bad', limited: 'warn' },
};

export function stateBadge(state: string): TemplateResult {
  return badge(state.replaceAll('_', ' '), tones[state] ?? 'calm');
}
