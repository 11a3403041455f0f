import { html, type TemplateResult } from 'lit/html.js';
import { duration } from '../data/format.ts';
import { styled } from './styled.ts';

/** A part of the time that something took. */
export interface Span {
  readonly label: string;
  readonly startMs: number;
  readonly ms: number;
  readonly tone: 'accent' | 'second' | 'bad' | 'calm';
  readonly note?: unknown;
}

/** Where the time went: one bar a line, on one scale. */
export function showWaterfall(spans: readonly Span[]): TemplateResult {
  const end = Math.max(1, ...spans.map(({ startMs, ms }) => startMs + ms));
  const part = (ms: number) => `${((ms / end) * 100).toFixed(2)}%`;
  return html`<ol class="waterfall">
    ${spans.map(
      ({ label, startMs, ms, tone, note }) => html`<li>
        <span class="name">${label}${note === undefined ? '' : html` <span class="muted">${note}</span>`}</span>
        <span class="track"><span class=${tone} ${styled({ 'inset-inline-start': part(startMs), 'inline-size': `max(3px, ${part(ms)})` })}></span></span>
        <span class="figures">${duration(ms)}</span>
      </li>`,
    )}
  </ol>`;
}
