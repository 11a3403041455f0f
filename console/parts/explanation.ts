import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { Decided, Explanation } from '../data/explanation.ts';
import { count, money, percent, relative } from '../data/format.ts';
import { badge, stateBadge } from './badge.ts';
import { showFacts, showSection } from './facts.ts';
import { showTable } from './table.ts';

/** The verdict, then all that led to it. */
export function showExplanation(answer: Explanation): TemplateResult {
  return html`<div class="verdict ${answer.outcome}">
      <p class="title">${stateBadge(answer.outcome)} ${answer.error === null ? 'Such a call would be answered' : answer.error.message}</p>
      ${answer.error === null ? nothing : html`<p class="muted"><code>${answer.error.status} ${answer.error.code}</code></p>`}
      ${answer.decided_by.length > 0 ? html`<p>To change it: ${answer.decided_by.map(showDecided)}</p>` : nothing}
    </div>
    ${showSection('Every check, in order', showSteps(answer))}
    ${answer.rules.length > 0 ? showSection('Limits and budgets that count it', showRules(answer)) : nothing}
    ${answer.route.length > 0 ? showSection('Keys that may serve it', showRoute(answer)) : nothing}
    ${answer.guardrails.length > 0 ? showSection('Guardrails', showGuardrails(answer)) : nothing}
    ${showSection('Further', showFurther(answer))}`;
}

export function showDecided({ resource, field }: Decided): TemplateResult {
  return html`<code>${resource}${field === null ? '' : ` ${field}`}</code> `;
}

function showSteps({ steps }: Explanation): TemplateResult {
  return html`<ol class="steps">
    ${steps.map(
      (step) => html`<li class=${step.result}>
        <span class="name">${step.check.replaceAll('_', ' ')}</span>
        ${stateBadge(step.result)}
        <span class="detail">${step.detail} ${step.decided_by.map(showDecided)}</span>
      </li>`,
    )}
  </ol>`;
}

function showRules({ rules }: Explanation): TemplateResult {
  return showTable(
    'Rules that count the call',
    [
      {
        label: 'Rule',
        show: (rule) => html`<span class="strong">${rule.name}</span> <span class="muted">${rule.kind}</span>`,
      },
      { label: 'Whose', isExtra: true, show: (rule) => rule.scope ?? rule.per },
      { label: 'Needs', isFigure: true, isExtra: true, show: (rule) => amount(rule.needs, rule.unit) },
      {
        label: 'Left',
        isFigure: true,
        show: (rule) =>
          html`${amount(rule.remaining, rule.unit)} <span class="muted">of ${amount(rule.limit, rule.unit)}</span>`,
      },
      { label: 'Begins anew', isExtra: true, isFigure: true, show: (rule) => relative(rule.resets_at) },
      {
        label: '',
        show: (rule) =>
          rule.would_exceed ? badge(rule.enforced ? 'would refuse' : 'would report', 'bad') : badge('fits', 'good'),
      },
    ],
    rules,
  );
}

const amount = (value: number, unit: string) => (unit === 'usd' ? money(value) : count(value));

function showRoute({ route }: Explanation): TemplateResult {
  return showTable(
    'Keys, in the order in which they would be tried',
    [
      {
        label: 'Key',
        show: (key) => html`<code>${key.binding}</code> ${key.chosen ? badge('first', 'accent') : nothing}`,
      },
      { label: 'Provider', show: (key) => key.provider },
      { label: 'Model', isExtra: true, show: (key) => key.model ?? '–' },
      {
        label: 'Share',
        isFigure: true,
        isExtra: true,
        show: (key) => (key.share === null ? '–' : percent(key.share * 100)),
      },
      { label: 'State', show: (key) => stateBadge(key.state) },
    ],
    route,
  );
}

function showGuardrails({ guardrails }: Explanation): TemplateResult {
  return showTable(
    'Guardrails that are for the call',
    [
      {
        label: 'Guardrail',
        show: (rule) => html`<span class="strong">${rule.name}</span> <span class="muted">${rule.detector}</span>`,
      },
      { label: 'Of', isExtra: true, show: (rule) => rule.applies_to },
      { label: 'Does', isExtra: true, show: (rule) => rule.action },
      {
        label: 'Finds something',
        show: (rule) =>
          rule.finds === null
            ? badge('cannot be told', 'warn')
            : rule.finds
              ? badge('yes', 'bad')
              : badge('no', 'good'),
      },
    ],
    guardrails,
  );
}

function showFurther({ bounds, cache, notes, model, user_id }: Explanation): TemplateResult {
  return html`${showFacts([
    ['User', user_id],
    ['Model', model],
    ['Tokens at most', bounds && `${count(bounds.input_tokens)} in, ${count(bounds.output_tokens)} out`],
    ['Cost at most', bounds && (bounds.cost_usd === null ? 'not known ahead' : money(bounds.cost_usd))],
    ['Cache', cache && [cache.result, cache.because].filter(Boolean).join(': ')],
  ])}
    ${notes.length > 0 ? html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>` : nothing}`;
}
