import { html, nothing, type TemplateResult } from 'lit/html.js';
import { adviceFor } from '../data/advice.ts';
import type { Problem } from '../data/problem.ts';
import { icon } from './icons.ts';

/**
 * A problem, with what to do about it.
 *
 * @param isBeside whether older data is still shown below
 */
export function showProblem(problem: Problem, retry: () => void, isBeside = false): TemplateResult {
  const advice = adviceFor(problem);
  return html`<div class="problem ${isBeside ? 'beside' : ''}" role="alert">
    ${icon('failed')}
    <div>
      <p class="title">${problem.message}</p>
      ${advice === undefined ? nothing : html`<p>${advice}</p>`}
      ${isBeside ? html`<p>What is shown below is from before.</p>` : nothing}
      <p class="facts">
        <code>${problem.code}</code>
        ${problem.requestId === undefined ? nothing : html`<code>${problem.requestId}</code>`}
      </p>
    </div>
    <button type="button" @click=${retry}>Try again</button>
  </div>`;
}
