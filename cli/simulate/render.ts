import type { FieldChange } from '../../proxy/governance/simulation/diff.ts';
import type { GroupFigures, RuleFindings } from '../../proxy/governance/simulation/report.ts';
import {
  caveats,
  type NamedSimulation,
  orderGroups,
  showSimulation,
  timeOf,
} from '../../proxy/governance/simulation/show.ts';

export type SimulationFormat = 'table' | 'json';

/** What people read shows so many lines of each table. JSON has all. */
const mostLines = 12;

export function renderSimulation(simulation: NamedSimulation, format: SimulationFormat): string {
  if (format === 'json') return `${JSON.stringify(showSimulation(simulation), null, 2)}\n`;
  const { organization, sinceMs, untilMs, change, findings, leftOut, user, model } = simulation;
  const { total } = findings;
  const whose = [
    ...(user === undefined ? [] : [`of user ${toLine(user)}`]),
    ...(model === undefined ? [] : [`for model ${toLine(model)}`]),
  ];
  const of = total.analyses > 0 ? ` (${total.analyses} of them by analyses)` : '';
  return [
    `Organization ${organization}, ${timeOf(sinceMs)} to ${timeOf(untilMs)}: ${countOf(total.calls, 'recorded call')}${of} ${whose.join(' ')}`.trimEnd(),
    changesOf(change.fields),
    refusalsOf(simulation),
    reportsOf(simulation),
    movedOf(simulation),
    costsOf(simulation),
    groupsOf('USER', findings.users.entries()),
    groupsOf('MODEL', findings.models.entries()),
    providersOf(simulation),
    [
      ...leftOut.map(({ what, calls }) => `Left out: ${what}${calls === null ? '' : `: ${countOf(calls, 'call')}`}.`),
      ...caveats.map((text) => `Note: ${text}`),
    ].join('\n'),
  ]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('\n');
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function changesOf(fields: readonly FieldChange[]): string {
  if (fields.length === 0) return 'The file changes nothing of what is in force.';
  const lines = fields
    .slice(0, 40)
    .map(({ resource, field, before, after }) => `  ${resource} ${field}: ${show(before)} → ${show(after)}`);
  const more = fields.length > lines.length ? [`  and ${fields.length - lines.length} more`] : [];
  return ['Changes of what is in force:', ...lines, ...more].join('\n');
}

function show(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function refusalsOf({ findings }: NamedSimulation): string {
  const { total, refusing } = findings;
  if (total.refused === 0) return 'None of them would be refused.';
  const part = ((total.refused / total.calls) * 100).toFixed(1);
  const also = total.alsoInForce > 0 ? `; of them ${total.alsoInForce} by what is in force, too` : '';
  return `${total.refused} of them (${part} %) would be refused${also}:\n${ruleTable([...refusing.values()])}`;
}

function reportsOf({ findings: { reporting } }: NamedSimulation): string {
  if (reporting.size === 0) return '';
  return `Rules that only report would have reported:\n${ruleTable([...reporting.values()])}`;
}

function ruleTable(rules: readonly RuleFindings[]): string {
  const ordered = rules.toSorted((one, other) => other.calls - one.calls);
  return align([
    ['DECIDED BY', 'NAME', 'ERROR', 'CALLS', 'ALSO NOW', 'COST (USD)', 'FIRST', 'LAST', 'USERS', 'MODELS'],
    ...ordered.map((rule) => [
      rule.decidedBy.length === 0
        ? '-'
        : rule.decidedBy.map(({ resource, field }) => `${resource} ${field ?? ''}`.trim()).join(', '),
      rule.name ?? '-',
      rule.code ?? '(reported)',
      String(rule.calls),
      String(rule.alsoInForce),
      dollars(rule.recordedUsd),
      timeOf(rule.firstAtMs),
      timeOf(rule.lastAtMs),
      topOf(rule.users.entries()),
      topOf(rule.models.entries()),
    ]),
  ]);
}

/** The three with the most calls. */
function topOf(tally: readonly (readonly [string, { readonly calls: number }])[]): string {
  const ordered = tally.toSorted(([, one], [, other]) => other.calls - one.calls);
  const shown = ordered.slice(0, 3).map(([name, { calls }]) => `${toLine(name)} ${calls}`);
  return [...shown, ...(ordered.length > 3 ? [`+${ordered.length - 3}`] : [])].join(', ');
}

function movedOf({ findings: { moved } }: NamedSimulation): string {
  const entries = moved.entries().toSorted(([, one], [, other]) => other.calls - one.calls);
  if (entries.length === 0) return '';
  const lines = entries
    .slice(0, mostLines)
    .map(([names, { calls }]) => `  ${toLine(names)}: ${countOf(calls, 'call')}`);
  return ['Aliases would stand for other models:', ...lines].join('\n');
}

function costsOf({ findings: { total } }: NamedSimulation): string {
  const { recordedUsd, simulatedUsd, unpricedRecorded, unpricedSimulated, shortened } = total;
  const unpriced =
    unpricedRecorded + unpricedSimulated > 0
      ? ` Without a known price: ${unpricedRecorded} recorded, ${unpricedSimulated} simulated.`
      : '';
  const shorter = shortened > 0 ? ` A budget would have shortened ${countOf(shortened, 'answer')}.` : '';
  return `Cost: ${dollars(recordedUsd)} USD recorded, ${dollars(simulatedUsd)} USD simulated (${difference(recordedUsd, simulatedUsd)}).${unpriced}${shorter}`;
}

function groupsOf(title: string, groups: readonly (readonly [string, GroupFigures])[]): string {
  const ordered = orderGroups(groups);
  const lines = ordered
    .slice(0, mostLines)
    .map(([name, { calls, refused, recordedUsd, simulatedUsd }]) => [
      toLine(name),
      ...[calls, refused].map(String),
      ...[dollars(recordedUsd), dollars(simulatedUsd), difference(recordedUsd, simulatedUsd)],
    ]);
  const more = ordered.length > mostLines ? `\nand ${ordered.length - mostLines} more; --output json has all` : '';
  return `${align([[title, 'CALLS', 'REFUSED', 'RECORDED (USD)', 'SIMULATED (USD)', 'DIFFERENCE'], ...lines])}${more}`;
}

function providersOf({ findings: { providers } }: NamedSimulation): string {
  const entries = providers.entries();
  if (entries.length < 2) return '';
  return align([
    ['PROVIDER', 'RECORDED CALLS', 'SIMULATED CALLS', 'RECORDED (USD)', 'SIMULATED (USD)'],
    ...entries.map(([name, figures]) => [
      name,
      String(figures.recordedCalls),
      String(Math.round(figures.simulatedCalls)),
      dollars(figures.recordedUsd),
      dollars(figures.simulatedUsd),
    ]),
  ]);
}

function dollars(usd: number): string {
  return usd.toFixed(usd !== 0 && Math.abs(usd) < 1 ? 6 : 2);
}

function difference(before: number, after: number): string {
  const by = after - before;
  if (Math.abs(by) < 5e-7) return 'no difference';
  const percent = before === 0 ? '' : `, ${by < 0 ? '-' : '+'}${((Math.abs(by) / before) * 100).toFixed(1)} %`;
  return `${by < 0 ? '-' : '+'}${dollars(Math.abs(by))}${percent}`;
}

/** Ids and models are anybody's text: nothing in them may move the cursor. */
function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
