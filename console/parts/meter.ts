import { html, type TemplateResult } from 'lit/html.js';
import { styled } from './styled.ts';

/** How much of something is used. @param of 0 to 100, or more */
export function meter(label: string, of: number, isHard = true): TemplateResult {
  const tone = of >= 100 ? (isHard ? 'bad' : 'warn') : of >= 80 ? 'warn' : 'good';
  return html`<span class="meter ${tone}" role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.min(100, Math.round(of))}>
    <span ${styled({ 'inline-size': `${Math.min(100, Math.max(of > 0 ? 1 : 0, of))}%` })}></span>
  </span>`;
}
