import { percentOf, type RuleFigure, showNanoUsd } from '../../crds/rule-figures.ts';
import { nobody } from '../../database/ids.ts';
import type { NamedUse } from '../../database/rule-use.ts';

/** The words after `chaperone get` that are no kinds. */
export const ruleKinds = ['limits', 'budgets'] as const;
export type RuleKind = (typeof ruleKinds)[number];
export type RulesFormat = 'table' | 'json';

export interface RuleRow {
  readonly organization: string;
  readonly figure: RuleFigure<NamedUse>;
}

export function renderRules(kind: RuleKind, rows: readonly RuleRow[], format: RulesFormat): string {
  if (format === 'json') return `${JSON.stringify({ [kind]: rows.map((row) => toJson(kind, row)) })}\n`;
  if (rows.length === 0) return `No ${kind} are in force.\n`;
  const head = ['ORGANIZATION', 'NAME', 'PER', 'SCOPE', 'USED', 'OF', 'USED %', 'WINDOW', 'RESETS'];
  return align([head, ...rows.map(toCells)]);
}

/** Amounts are numbers. Dollars are decimal strings, which no JSON parser rounds. */
function toJson(kind: RuleKind, row: RuleRow) {
  const { count, use, used, reserved, remaining, limit, resetMs } = row.figure;
  const show = (amount: number) => (kind === 'budgets' ? showNanoUsd(amount) : amount);
  return {
    organization: row.organization,
    name: count.name,
    type: count.kind,
    binding: count.binding ?? null,
    per: count.per,
    scope: scopeOf(row.figure) ?? null,
    user: use?.user ?? null,
    unit: kind === 'budgets' ? 'usd' : count.unit,
    enforced: count.enforces,
    used: show(used),
    reserved: show(reserved),
    remaining: show(remaining),
    limit: show(limit),
    usedPercent: percentOf(row.figure),
    window: count.stated ?? null,
    resetsAt: resetMs === undefined ? null : new Date(resetMs).toISOString(),
  };
}

function toCells({ organization, figure }: RuleRow): string[] {
  const { count, used, limit, resetMs } = figure;
  const amount = count.unit === 'nano_usd' ? `$${showNanoUsd(limit)}` : `${limit} ${unitNames[count.unit]}`;
  const name = count.kind === 'tier' ? `tier ${count.name}` : count.name;
  return [
    organization,
    count.binding === undefined ? name : `${name} (${count.binding})`,
    count.per,
    showScope(figure),
    count.unit === 'nano_usd' ? `$${showNanoUsd(used)}` : String(used),
    `${amount}${count.enforces ? '' : ' (not enforced)'}`,
    String(percentOf(figure)),
    count.stated ?? '',
    resetMs === undefined ? '' : new Date(resetMs).toISOString().replace('.000Z', 'Z'),
  ];
}

const unitNames = {
  requests: 'requests',
  tokens: 'tokens',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  concurrent: 'calls at once',
} as const;

function showScope(figure: RuleFigure<NamedUse>): string {
  const scope = scopeOf(figure);
  if (scope === undefined) return figure.count.per === 'Organization' ? '' : '(none yet)';
  return scope === '' ? '(none)' : toLine(scope);
}

/** Empty: calls without a user. Undefined: everybody, or nobody yet. */
function scopeOf({ count, use }: RuleFigure<NamedUse>): string | undefined {
  if (!use || count.per === 'Organization') return undefined;
  if (count.per === 'User') return use.user ?? (use.scope === nobody ? '' : use.scope);
  if (count.per === 'Key') return use.binding ?? use.scope;
  // After the user's id.
  return count.per === 'Session' ? use.scope.slice(37) : use.scope;
}

/** A user's id is anybody's text: nothing in it may move the cursor. */
export function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

export function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}
