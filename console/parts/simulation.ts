import { html, nothing, type TemplateResult } from 'lit/html.js';
import { cost, count, money, percent, shortCount } from '../data/format.ts';
import { at } from '../data/route.ts';
import type { SimulatedFigures, SimulatedRule, Simulation } from '../data/simulation.ts';
import { badge } from './badge.ts';
import { showEmpty } from './empty.ts';
import { showDecided } from './explanation.ts';
import { showSection } from './facts.ts';
import { moment } from './moment.ts';
import { showTable } from './table.ts';
import { showTiles } from './tiles.ts';

/** What a change would have done: the sums, the changed fields, and what would have been refused. */
export function showSimulation(answer: Simulation): TemplateResult {
  return html`${showSums(answer)}
    ${showSection('What differs from what is in force', showChanges(answer))}
    ${showSection('Would be refused', showRules('refuse', answer.refused.rules))}
    ${answer.reported.length > 0 ? showSection('Would be reported', showRules('report', answer.reported)) : nothing}
    ${showMoved(answer)}
    ${
      answer.by_user.length > 0
        ? showSection(
            'By user',
            showGroups('User', answer.by_user, ({ user }) => user),
          )
        : nothing
    }
    ${
      answer.by_model.length > 0
        ? showSection(
            'By model',
            showGroups('Model', answer.by_model, ({ model }) => model),
          )
        : nothing
    }
    ${answer.by_provider.length > 1 ? showSection('By provider', showProviders(answer)) : nothing}
    ${showSection('What this leaves out', showLeftOut(answer))}`;
}

function showSums({ calls, refused, cost: { recorded_usd: was, simulated_usd: is }, shortened }: Simulation) {
  const part = calls === 0 ? 0 : (refused.calls / calls) * 100;
  return showTiles([
    { label: 'Recorded calls', value: shortCount(calls) },
    {
      ...{ label: 'Refused', value: count(refused.calls) },
      note: refused.calls === 0 ? undefined : `${percent(part)}, ${count(refused.also_in_force)} of them today, too`,
    },
    { label: 'Recorded cost', value: money(was) },
    { ...{ label: 'Simulated cost', value: money(is), now: is, before: was }, against: 'what was recorded' },
    ...(shortened > 0 ? [{ label: 'Answers shortened', value: count(shortened) }] : []),
  ]);
}

function showChanges({ changes }: Simulation): TemplateResult {
  if (changes.length === 0) return showEmpty('Nothing differs', 'Change the resource at the left, and simulate again.');
  return html`<ul class="changes">
    ${changes.map(
      ({ resource, field, before, after }) =>
        html`<li><code>${resource} ${field}</code> ${before === null ? nothing : html`<del>${textOf(before)}</del>`} ${after === null ? nothing : html`<ins>${textOf(after)}</ins>`}</li>`,
    )}
  </ul>`;
}

function showRules(does: 'refuse' | 'report', rules: readonly SimulatedRule[]): TemplateResult {
  if (rules.length === 0) return showEmpty(`No rule would ${does} a recorded call`);
  return showTable(
    `Rules, with the calls that they would ${does}`,
    [
      {
        label: 'Decided by',
        show: (rule) =>
          html`${rule.decided_by.map(showDecided)} ${rule.name === null ? nothing : badge(rule.name, 'calm')}`,
      },
      { label: 'Error', isExtra: true, show: (rule) => (rule.code === null ? '–' : html`<code>${rule.code}</code>`) },
      { label: 'Calls', isFigure: true, show: (rule) => count(rule.calls) },
      { label: 'Today, too', isFigure: true, isExtra: true, show: (rule) => count(rule.also_in_force) },
      { label: 'Cost', isFigure: true, isExtra: true, show: (rule) => cost(rule.recorded_usd) },
      {
        label: 'First call',
        show: (rule) => html`<a href=${at('#/requests', rule.first_request_id)}>${moment(rule.first_at)}</a>`,
      },
      { label: 'Users', isExtra: true, show: (rule) => html`<span class="cut wide">${topOf(rule.users)}</span>` },
    ],
    rules.toSorted((one, other) => other.calls - one.calls),
  );
}

function showMoved({ moved }: Simulation): TemplateResult | typeof nothing {
  const entries = Object.entries(moved);
  if (entries.length === 0) return nothing;
  return showSection(
    'Aliases would stand for other models',
    html`<ul class="notes">${entries.map(([names, calls]) => html`<li>${names}: ${count(calls)} calls</li>`)}</ul>`,
  );
}

/** The first of them: the API has them in the order of what changes. */
function showGroups<Row extends SimulatedFigures>(
  label: string,
  rows: readonly Row[],
  nameOf: (row: Row) => string,
): TemplateResult {
  return showTable(
    `${label}s, those with the most refusals first`,
    [
      { label, show: (row) => html`<span class="cut">${nameOf(row)}</span>` },
      { label: 'Calls', isFigure: true, show: (row) => count(row.calls) },
      { label: 'Refused', isFigure: true, show: (row) => count(row.refused) },
      { label: 'Recorded', isFigure: true, isExtra: true, show: (row) => cost(row.recorded_usd) },
      { label: 'Simulated', isFigure: true, show: (row) => cost(row.simulated_usd) },
    ],
    rows.slice(0, 12),
  );
}

function showProviders({ by_provider }: Simulation): TemplateResult {
  return showTable(
    'Providers, with the calls that would have gone to each',
    [
      { label: 'Provider', show: (row) => row.provider },
      { label: 'Calls recorded', isFigure: true, show: (row) => count(row.recorded_calls) },
      { label: 'Calls simulated', isFigure: true, show: (row) => count(row.simulated_calls) },
      { label: 'Cost recorded', isFigure: true, isExtra: true, show: (row) => cost(row.recorded_usd) },
      { label: 'Cost simulated', isFigure: true, isExtra: true, show: (row) => cost(row.simulated_usd) },
    ],
    by_provider,
  );
}

function showLeftOut({ left_out }: Simulation): TemplateResult {
  return html`<ul class="notes">
    ${left_out.map(({ what, calls }) => html`<li>${what}${calls === null ? '' : ` (${count(calls)} calls)`}</li>`)}
  </ul>`;
}

function topOf(counts: Readonly<Record<string, number>>): string {
  const names = Object.entries(counts);
  const first = names.slice(0, 3).map(([name, calls]) => `${name} ${count(calls)}`);
  return [...first, ...(names.length > 3 ? [`and ${names.length - 3} more`] : [])].join(', ');
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
