/** Measured values. Each name ends with its unit, or with `ratio`. */
export type Figures = Readonly<Record<string, number>>;

/** What a figure ought to be, by its name. */
export type Reach = Readonly<Record<string, { readonly min?: number; readonly max?: number }>>;

export interface Result {
  readonly figures: Figures;
  readonly reach: Reach;
  /** What a person reads first; the figures are printed below it. */
  readonly summary: string;
}

export interface BenchmarkContext {
  /** What follows the benchmark's name on the command line, `--json` taken out. */
  readonly args: readonly string[];
  /** Says what is going on. */
  readonly note: (sentence: string) => void;
  /** Has something undone at the end, the last thing first, also where the benchmark fails or is interrupted. */
  readonly onEnd: (release: () => Promise<unknown>) => void;
}

export interface Benchmark {
  /** @throws where what was measured did not work: a figure of a broken thing is worth nothing */
  run(context: BenchmarkContext): Promise<Result>;
}

/** The names of the figures that are not what they ought to be. */
export function findMissed(figures: Figures, reach: Reach): string[] {
  return Object.entries(reach)
    .filter(([name, { min = -Infinity, max = Infinity }]) => {
      const figure = figures[name];
      return figure === undefined || !(figure >= min && figure <= max);
    })
    .map(([name]) => name);
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new Error('There is no median of nothing');
  return (low + high) / 2;
}

/** At most three places, and none that mean nothing. */
export function round(value: number): number {
  return Number(value.toFixed(value < 10 ? 3 : value < 1_000 ? 1 : 0));
}

/** Aligned columns: the first to the left, the others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const align = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return column === 0 ? cell.padEnd(width) : cell.padStart(width);
  };
  return rows.map((row) => row.map(align).join('  ').trimEnd()).join('\n');
}
