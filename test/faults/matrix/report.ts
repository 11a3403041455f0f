import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../../directories.ts';
import type { Outcome } from './run.ts';

/** A row of the report. */
export interface Row {
  /** When its run began: a date and a time in UTC. */
  readonly run: string;
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

export function rowOf(run: string, kind: string, { fault, comparison, seconds }: Outcome): Row {
  const { calls, refused, cut, unknown, lost, doubled, costDifference, longestRefusalMs } = comparison;
  return {
    ...{ run, kind, fault, calls, cut },
    refused: Object.values(refused).reduce((sum, count) => sum + count, 0),
    unknown: unknown.calls,
    lost: lost.length,
    doubled: doubled.length,
    cost_difference_usd: (costDifference / 1e12).toFixed(12).replace(/\.?0+$/, ''),
    longest_refusal_ms: Math.round(longestRefusalMs),
    seconds: Math.round(seconds),
  };
}

type Column = readonly [title: string, cell: (row: Row) => string | number];

const figureColumns: readonly Column[] = [
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

/** Where not all rows are of one run. */
const runColumn: Column = ['run', ({ run }) => run];

export function markdownOf({ rows, skipped }: Written): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const kinds = [...Map.groupBy(rows, ({ kind }) => kind)];
  const runs = [...new Set(rows.map(({ run }) => run))].sort();
  const columns = runs.length > 1 ? [...figureColumns, runColumn] : figureColumns;
  const tables = kinds.map(([kind, some]) =>
    [
      `**${kind}**\n`,
      line(columns.map(([title]) => title)),
      line(columns.map(([title]) => (title === 'fault' ? '---' : '---:'))),
      ...some.map((row) => line(columns.map(([, cell]) => cell(row)))),
    ].join('\n'),
  );
  const calls = rows.reduce((sum, row) => sum + row.calls, 0);
  const untried = skipped.map(({ fault, reason }) => `No figures: ${fault} (${reason}).`);
  const tried = runs.length > 1 ? `${runs.length} runs` : 'one run';
  const sum = `${rows.length} faults, ${calls.toLocaleString('en')} calls, in ${tried}: ${runs.join(', ')} (UTC).`;
  return [sum, ...tables, ...untried].join('\n\n');
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

/** What a former run has written. */
export interface Written {
  readonly rows: readonly Row[];
  readonly skipped: readonly Skipped[];
}

/** A fault of which there are no figures, and why. */
export interface Skipped {
  readonly fault: string;
  readonly reason: string;
}

/** The rows of a run in the place of those of a former one. */
export function merged(former: Written, own: Written, order: readonly string[]): Written {
  const present = new Set([...own.rows, ...own.skipped].map(({ fault }) => fault));
  const isKept = ({ fault }: Row | Skipped) => order.includes(fault) && !present.has(fault);
  const inOrder = <Named extends { readonly fault: string }>(some: readonly Named[]) =>
    some.toSorted((one, other) => order.indexOf(one.fault) - order.indexOf(other.fault));
  return {
    rows: inOrder([...former.rows.filter(isKept), ...own.rows]),
    skipped: inOrder([...former.skipped.filter(isKept), ...own.skipped]),
  };
}

/** Writes `.faults/matrix.md` and `.faults/matrix.json`; where asked to, also the table in docs/reliability.md. */
export async function writeReport(own: Written, options: ReportOptions): Promise<void> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'matrix.json');
  const former: Written = options.isPart
    ? JSON.parse(await readFile(file, 'utf8').catch(() => '{"rows":[],"skipped":[]}'))
    : { rows: [], skipped: [] };
  const all = merged(former, own, options.order);
  const markdown = markdownOf(all);
  await writeFile(join(directory, 'matrix.md'), `${markdown}\n`);
  await writeFile(file, `${JSON.stringify(all, null, 2)}\n`);
  if (!options.publishes) return;
  const text = await readFile(document, 'utf8');
  await writeFile(
    document,
    text.replace(block, (_, before, after) => `${before}\n${markdown}\n\n${after}`),
  );
}
