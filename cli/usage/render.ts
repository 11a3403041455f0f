import type { Spending, SpendingFilter, SpendingGroup, SpendingOfGroup } from '../../database/analytics/spending.ts';

export type UsageFormat = 'table' | 'json' | 'csv';

export interface UsageReport {
  readonly by: SpendingGroup;
  readonly filter: SpendingFilter;
  /** The last row is the sum of all. */
  readonly rows: readonly SpendingOfGroup[];
}

export function renderUsage(report: UsageReport, format: UsageFormat): string {
  if (format === 'json') return `${JSON.stringify(toJson(report))}\n`;
  return format === 'csv' ? toCsv(report) : toTable(report);
}

/** Counts are numbers. Costs are decimal strings, which no JSON parser rounds. */
function toFigures(sums: Spending) {
  return {
    calls: Number(sums.requestCount),
    failed: Number(sums.requestCount) - Number(sums.completedCount),
    unpriced: Number(sums.unpricedCount),
    inputTokens: Number(sums.inputTokens),
    outputTokens: Number(sums.outputTokens),
    costUsd: trimDecimal(sums.costUsd),
    cacheHits: Number(sums.cacheHitCount),
    avoidedCostUsd: trimDecimal(sums.avoidedCostUsd),
  };
}

function toJson({ by, filter: { organization, firstDay, lastDay, kind }, rows }: UsageReport) {
  const groups = rows.filter(({ name }) => name !== null);
  const total = rows.at(-1);
  return {
    ...{ organization, from: firstDay, to: lastDay, kind: kind ?? 'all', by },
    groups: groups.map((row) => ({ [by]: row.name, ...toFigures(row) })),
    total: total && {
      ...toFigures(total),
      analyses: { calls: Number(total.analysisCount), costUsd: trimDecimal(total.analysisCostUsd) },
    },
  };
}

function toCsv({ by, rows }: UsageReport): string {
  const lines = rows
    .filter(({ name }) => name !== null)
    .map((row) => [row.name ?? '', ...Object.values(toFigures(row))]);
  const head = [
    by,
    'calls',
    'failed',
    'unpriced',
    'input_tokens',
    'output_tokens',
    'cost_usd',
    'cache_hits',
    'avoided_cost_usd',
  ];
  return [head, ...lines].map((cells) => `${cells.map((cell) => toCell(String(cell))).join(',')}\n`).join('');
}

/** RFC 4180; and spreadsheets take a cell that begins so for a formula, while a user's id is anybody's text. */
function toCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function toTable({ by, filter, rows }: UsageReport): string {
  const head = [by.toUpperCase(), 'CALLS', 'FAILED', 'INPUT TOKENS', 'OUTPUT TOKENS', 'COST (USD)'];
  const lines = rows.map((row) => {
    const { calls, failed, inputTokens, outputTokens } = toFigures(row);
    const name = row.name === null ? 'TOTAL' : row.name === '' ? '(none)' : toLine(row.name);
    return [name, calls, failed, inputTokens, outputTokens, Number(row.costUsd).toFixed(6)].map(String);
  });
  return `${align([head, ...lines])}\n${notes(filter, rows.at(-1)).join('\n')}\n`;
}

/** A user's id is anybody's text: nothing in it may move the cursor. */
function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

function notes({ organization, firstDay, lastDay, kind }: SpendingFilter, total: Spending | undefined): string[] {
  const of = organization === null ? 'every organization' : `organization "${organization}"`;
  const period = `Of ${of}, from ${firstDay} to the end of ${lastDay} (UTC).`;
  if (!total) return [period];
  const analyses = Number(total.analysisCount);
  const unpriced = Number(total.unpricedCount);
  const hits = Number(total.cacheHitCount);
  return [
    period,
    ...(kind === null && analyses > 0
      ? [
          `Among it calls that analyses made: ${analyses}, for ${Number(total.analysisCostUsd).toFixed(6)} USD. --kind call leaves them out, as /v1/analytics does.`,
        ]
      : []),
    ...(hits > 0
      ? [
          `Among it answers from the cache, which cost nothing: ${hits}. Providers would have billed ${Number(total.avoidedCostUsd).toFixed(6)} USD.`,
        ]
      : []),
    ...(unpriced > 0 ? [`Calls without a known price, which are not in the cost: ${unpriced}.`] : []),
  ];
}

/** The first column to the left, figures to the right. */
function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[column] ?? 0) + 3)));
  return rows.map((row) => `${line(row).join('')}\n`).join('');
}

/** `0.000009300000` is `0.0000093`. */
function trimDecimal(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
