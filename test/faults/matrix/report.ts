import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../../directories.ts';
import type { Outcome } from './run.ts';

/** A row of the report. */
export interface Row {
  readonly kind: string;
  readonly fault: string;
  readonly calls: number;
  readonly refused: number;
  readonly cut: number;
  /** Calls whose usage nobody was left to hear. */
  readonly unknown: number;
  readonly lost: number;
  readonly doubled: number;
  readonly cost_difference_usd: string;
  readonly longest_refusal_ms: number;
  readonly seconds: number;
}

export function rowOf(kind: string, { fault, comparison, seconds }: Outcome): Row {
  const { calls, refused, cut, unknown, lost, doubled, costDifference, longestRefusalMs } = comparison;
  return {
    ...{ kind, fault, calls, cut },
    refused: Object.values(refused).reduce((sum, count) => sum + count, 0),
    unknown: unknown.calls,
    lost: lost.length,
    doubled: doubled.length,
    cost_difference_usd: (costDifference / 1e12).toFixed(12).replace(/\.?0+$/, ''),
    longest_refusal_ms: Math.round(longestRefusalMs),
    seconds: Math.round(seconds),
  };
}

const columns: readonly [title: string, cell: (row: Row) => string | number][] = [
  ['fault', ({ fault }) => fault],
  ['calls', ({ calls }) => calls],
  ['refused', ({ refused }) => refused],
  ['cut', ({ cut }) => cut],
  ['usage unknown', ({ unknown }) => unknown],
  ['lost', ({ lost }) => lost],
  ['doubled', ({ doubled }) => doubled],
  ['cost difference', ({ cost_difference_usd: dollars }) => `$${dollars}`],
  ['longest refusal', ({ longest_refusal_ms: ms }) => `${ms} ms`],
];

export function markdownOf(rows: readonly Row[], skipped: readonly string[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const kinds = [...Map.groupBy(rows, ({ kind }) => kind)];
  const tables = kinds.map(([kind, some]) =>
    [
      `**${kind}**\n`,
      line(columns.map(([title]) => title)),
      line(columns.map(([title]) => (title === 'fault' ? '---' : '---:'))),
      ...some.map((row) => line(columns.map(([, cell]) => cell(row)))),
    ].join('\n'),
  );
  const calls = rows.reduce((sum, row) => sum + row.calls, 0);
  const untried = skipped.map((each) => `Not tried: ${each}.`);
  return [`${rows.length} faults, ${calls.toLocaleString('en')} calls.`, ...tables, ...untried].join('\n\n');
}

const directory = join(repository, '.faults');
const document = join(repository, 'docs', 'reliability.md');
const block = /(<!-- faults -->\n)[\s\S]*(<!-- \/faults -->)/;

export interface ReportOptions {
  /** Whether these rows replace those of a former run, whose others stay. */
  readonly isPart: boolean;
  /** Whether docs/reliability.md gets the table. */
  readonly publishes: boolean;
  /** The names of all faults, in order. */
  readonly order: readonly string[];
}

/** Writes `.faults/matrix.md` and `.faults/matrix.json`; where asked to, also the table in docs/reliability.md. */
export async function writeReport(
  rows: readonly Row[],
  skipped: readonly string[],
  options: ReportOptions,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'matrix.json');
  const former: { rows: Row[] } = options.isPart
    ? JSON.parse(await readFile(file, 'utf8').catch(() => '{"rows":[]}'))
    : { rows: [] };
  const own = new Set(rows.map(({ fault }) => fault));
  const all = [...former.rows.filter(({ fault }) => !own.has(fault)), ...rows].sort(
    (one, other) => options.order.indexOf(one.fault) - options.order.indexOf(other.fault),
  );
  const markdown = markdownOf(all, skipped);
  await writeFile(join(directory, 'matrix.md'), `${markdown}\n`);
  await writeFile(file, `${JSON.stringify({ rows: all, skipped }, null, 2)}\n`);
  if (!options.publishes) return;
  const text = await readFile(document, 'utf8');
  await writeFile(
    document,
    text.replace(block, (_, before, after) => `${before}\n${markdown}\n\n${after}`),
  );
}
