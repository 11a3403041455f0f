import { styleText } from 'node:util';
import type { ShownExplanation } from '../../proxy/offline/explain.ts';

export type ExplainFormat = 'table' | 'json';

/** Shows an explanation: the steps, the keys, the rules, and the verdict last. */
export function renderExplanation(organization: string, explained: ShownExplanation, format: ExplainFormat): string {
  if (format === 'json') return `${JSON.stringify(explained, null, 2)}\n`;
  const { operation, user_id: user, model, notes } = explained;
  const what = [
    `${operation} of user ${toLine(user ?? '(none)')}`,
    ...(model === null ? [] : [`model ${toLine(model)}`]),
    `organization ${organization}`,
  ].join(', ');
  return [
    `${what}\n`,
    stepsOf(explained),
    keysOf(explained),
    rulesOf(explained),
    guardrailsOf(explained),
    boundsOf(explained),
    notes.map((note) => `Note: ${note}\n`).join(''),
    verdictOf(explained),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function stepsOf({ steps }: ShownExplanation): string {
  return align([
    ['CHECK', 'RESULT', 'DECIDED BY', 'DETAIL'],
    ...steps.map(({ check, result, detail, decided_by: by }) => [
      check,
      result === 'not_reached' ? '-' : result,
      by.length === 0 ? '-' : `${nameOf(by[0])}${by.length > 1 ? ` and ${by.length - 1} more` : ''}`,
      result === 'refused' ? 'see below' : toLine(detail),
    ]),
  ]);
}

function keysOf({ route }: ShownExplanation): string {
  if (route.length === 0) return '';
  return align([
    ['KEY', 'PROVIDER', 'MODEL THERE', 'SHARE', 'STATE'],
    ...route.map(({ binding, provider, model, share, state }) => [
      binding,
      provider,
      toLine(model ?? '(its own)'),
      share === null ? '-' : `${Math.round(share * 100)} %`,
      state,
    ]),
  ]);
}

function rulesOf({ rules }: ShownExplanation): string {
  if (rules.length === 0) return '';
  return align([
    ['RULE', 'PER', 'UNIT', 'LIMIT', 'USED', 'RESERVED', 'LEFT', 'NEEDS', 'WOULD', 'RESETS'],
    ...rules.map((rule) => [
      `${rule.kind} ${rule.name}`,
      rule.scope === null ? rule.per : `${rule.per} ${toLine(rule.scope)}`,
      rule.unit,
      ...[rule.limit, rule.used, rule.reserved, rule.remaining, rule.needs].map(String),
      rule.would_exceed ? (rule.enforced ? 'refuse' : 'report') : 'pass',
      rule.resets_at ?? '-',
    ]),
  ]);
}

function guardrailsOf({ guardrails }: ShownExplanation): string {
  if (guardrails.length === 0) return '';
  return align([
    ['GUARDRAIL', 'DETECTOR', 'ON', 'ACTION', 'FINDS'],
    ...guardrails.map(({ name, detector, applies_to: on, action, finds }) => [
      name,
      detector,
      on,
      action,
      finds === null ? 'not asked' : finds ? 'something' : 'nothing',
    ]),
  ]);
}

function boundsOf({ bounds, timeouts, retries }: ShownExplanation): string {
  if (!bounds) return '';
  const cost = bounds.cost_usd === null ? 'of unknown price' : `${bounds.cost_usd} USD`;
  const lines = [`At most: ${bounds.input_tokens} input tokens, ${bounds.output_tokens} output tokens, ${cost}.`];
  if (timeouts && retries) {
    const total = timeouts.total_ms === null ? '' : `, ${timeouts.total_ms / 1_000} s in all`;
    lines.push(
      `The answer may take ${timeouts.headers_ms / 1_000} s to begin and pause for ${timeouts.idle_ms / 1_000} s${total}; ${retries.attempts} attempts within ${retries.within_ms / 1_000} s.`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function verdictOf({ error, decided_by: by, cache }: ShownExplanation): string {
  if (!error && cache?.result === 'hit')
    return `${styleText('green', 'ALLOWED')}: the cache would answer; no provider would be asked.\n`;
  if (!error) return `${styleText('green', 'ALLOWED')}: the call would go to the provider.\n`;
  const verdict = `${styleText('red', 'REFUSED')}: ${error.status} ${error.code}: ${toLine(error.message)}\n`;
  if (by.length === 0)
    return `${verdict}The call itself is at fault${error.param === null ? '' : `: ${error.param}`}.\n`;
  return `${verdict}Decided by ${by.map(nameOf).join(', ')}.\n`;
}

function nameOf(decider: ShownExplanation['decided_by'][number] | undefined): string {
  if (!decider) return '';
  return decider.field === null ? decider.resource : `${decider.resource} ${decider.field}`;
}

/** Ids and models are anybody's text: nothing in them may move the cursor. */
function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}
