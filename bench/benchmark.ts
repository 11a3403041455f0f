/** Measured values. Each name ends with its unit, or with `ratio`. */
export type Figures = Readonly<Record<string, number>>;

/** The target of a figure, by its name. */
export type Reach = Readonly<Record<string, { readonly min?: number; readonly max?: number }>>;

export interface Result {
  readonly figures: Figures;
  readonly reach: Reach;
  /** The text for people. The figures are printed below it. */
  readonly summary: string;
}

export interface BenchmarkContext {
  /** The arguments after the benchmark's name, without `--json`. */
  readonly args: readonly string[];
  /** Reports progress. */
  readonly note: (sentence: string) => void;
  /**
   * Registers a clean-up. Clean-ups run in reverse order at the end, even where the benchmark fails or is interrupted.
   */
  readonly onEnd: (release: () => Promise<unknown>) => void;
}

export interface Benchmark {
  /** @throws where the measured thing did not work, since its figures would be worthless */
  run(context: BenchmarkContext): Promise<Result>;
}

/** The names of the figures that miss their target. */
export function findMissed(figures: Figures, reach: Reach): string[] {
  return Object.entries(reach)
    .filter(([name, { min = -Infinity, max = Infinity }]) => {
      const figure = figures[name];
      return figure === undefined || !(figure >= min && figure <= max);
    })
    .map(([name]) => name);
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new Error('There is no median of an empty list');
  return (low + high) / 2;
}

/** Rounds to at most three places, and to fewer for large values. */
export function round(value: number): number {
  return Number(value.toFixed(value < 10 ? 3 : value < 1_000 ? 1 : 0));
}

/** Formats aligned columns: the first to the left, the others to the right. */
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
