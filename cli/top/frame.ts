import { type Figures, type Grouping, groupings, type Sample } from './sample.ts';

/** What a frame shows. */
export interface View {
  readonly columns: number;
  readonly rows: number;
  /** The table of a terminal that has room for one. */
  readonly grouping: Grouping;
  readonly sortedBy: SortKey;
  /** Calls a second of earlier samples, the oldest first. */
  readonly history: readonly number[];
  /** What is wrong with the source. Undefined: nothing. */
  readonly problem: string | undefined;
  /** Whether colours and attributes may be used. */
  readonly isStyled: boolean;
}

export const sortKeys = ['calls', 'tokens', 'spend', 'latency'] as const;
export type SortKey = (typeof sortKeys)[number];

/** A column of a table. The first ones stay longest where the terminal is narrow. */
interface Column {
  readonly title: string;
  readonly width: number;
  readonly show: (figures: Figures) => string;
  readonly isAlarming?: (figures: Figures) => boolean;
}

const columns: readonly Column[] = [
  { title: 'CALLS/S', width: 9, show: ({ callsPerS }) => rate(callsPerS) },
  { title: 'SPEND/H', width: 10, show: ({ usdPerHour }) => usd(usdPerHour) },
  { title: 'P95', width: 8, show: ({ p95Ms }) => duration(p95Ms) },
  {
    ...{ title: 'FAILED', width: 8, show: ({ failedRatio, calls }) => (calls === 0 ? '-' : percent(failedRatio)) },
    isAlarming: ({ failedRatio }) => failedRatio >= 0.05,
  },
  { title: 'TOKENS/S', width: 10, show: ({ tokensPerS }) => rate(tokensPerS) },
  { title: 'P50', width: 8, show: ({ p50Ms }) => duration(p50Ms) },
];
const order = ['CALLS/S', 'TOKENS/S', 'SPEND/H', 'P50', 'P95', 'FAILED'];
const leastName = 16;
/** A terminal with so many rows and columns shows all tables. */
const roomy = { rows: 24, columns: 72 };
/** One with fewer rows shows no curve. */
const least = { rows: 12 };

/** Renders a sample as the lines of a terminal, none of them wider than it, and no more than it has. */
export function renderFrame(sample: Sample | undefined, view: View): string[] {
  const style = view.isStyled ? styled : plain;
  const width = Math.max(view.columns, 20);
  const head = renderHead(sample, view, width, style);
  const foot = renderFoot(view, width, style);
  const room = Math.max(0, view.rows - head.length - foot.length);
  const body = sample
    ? renderTables(sample, view, width, room, style)
    : [fit('Waiting for the first figures …', width)];
  return [...head, ...body.slice(0, room), ...foot].slice(0, Math.max(view.rows, 1));
}

function renderHead(sample: Sample | undefined, view: View, width: number, style: Style): string[] {
  if (!sample) return [style.bold(fit('chaperone top', width)), ''];
  const { total, windowS, at } = sample;
  const when = `last ${windowS} s, ${at.slice(11, 19)} UTC`;
  const figures = [
    `${rate(total.callsPerS)} calls/s`,
    `${rate(total.tokensPerS)} tokens/s`,
    `${usd(total.usdPerHour)}/h`,
    `p50 ${duration(total.p50Ms)}`,
    `p95 ${duration(total.p95Ms)}`,
    `${percent(total.failedRatio)} failed`,
  ];
  const curve = view.rows < least.rows ? [] : [style.accent(fit(sparkline(view.history, width), width)), ''];
  const told = wrap(figures, width).map((line) => fit(line, width));
  return [style.bold(fit(`chaperone top  ${when}`, width)), ...told.slice(0, Math.max(1, view.rows - 5)), ...curve];
}

function renderTables(sample: Sample, view: View, width: number, room: number, style: Style): string[] {
  const isRoomy = view.rows >= roomy.rows && view.columns >= roomy.columns;
  const shown: readonly Grouping[] = isRoomy ? groupings : [view.grouping];
  const lines: string[] = [];
  let left = room;
  shown.forEach((grouping, index) => {
    const gap = index < shown.length - 1 ? [''] : [];
    const share = Math.floor(left / (shown.length - index)) - gap.length;
    const table = renderTable(grouping, sample[grouping], view.sortedBy, width, Math.max(2, share), style);
    const withGap = [...table, ...gap];
    lines.push(...withGap);
    left -= withGap.length;
  });
  return lines;
}

function renderTable(
  grouping: Grouping,
  all: readonly Figures[],
  sortedBy: SortKey,
  width: number,
  room: number,
  style: Style,
): string[] {
  const kept = chooseColumns(width);
  const nameWidth = width - kept.reduce((sum, column) => sum + column.width, 0);
  const title = grouping.toUpperCase();
  const head =
    fit(title, nameWidth).padEnd(nameWidth) + kept.map((column) => column.title.padStart(column.width)).join('');
  const sorted = sort(all, sortedBy);
  const fits = sorted.length <= room - 1;
  const rows = sorted.slice(0, fits ? room - 1 : Math.max(0, room - 2));
  const lines = rows.map((figures) => {
    const name = fit(figures.name === '' ? '(none)' : toLine(figures.name), nameWidth - 1).padEnd(nameWidth);
    const cells = kept.map((column) => {
      const cell = column.show(figures).padStart(column.width);
      return column.isAlarming?.(figures) ? style.alarm(cell) : cell;
    });
    return name + cells.join('');
  });
  const more = fits ? [] : [style.dim(fit(`and ${sorted.length - rows.length} more`, width))];
  return [style.dim(head), ...(rows.length === 0 && fits ? [style.dim(fit('no calls', width))] : lines), ...more];
}

function renderFoot(view: View, width: number, style: Style): string[] {
  const keys = `q quit  Tab group: ${view.grouping}  s sort: ${view.sortedBy}`;
  const line = style.dim(fit(keys, width));
  return view.problem === undefined ? ['', line] : [style.alarm(fit(toLine(view.problem), width)), line];
}

/** Those for which there is room, in their usual order. */
function chooseColumns(width: number): Column[] {
  const kept: Column[] = [];
  let left = width - leastName;
  for (const column of columns) {
    if (column.width > left) break;
    kept.push(column);
    left -= column.width;
  }
  return kept.toSorted((a, b) => order.indexOf(a.title) - order.indexOf(b.title));
}

function sort(all: readonly Figures[], by: SortKey): Figures[] {
  const value = ({ callsPerS, tokensPerS, usdPerHour, p95Ms }: Figures) =>
    ({ calls: callsPerS, tokens: tokensPerS, spend: usdPerHour, latency: p95Ms ?? -1 })[by];
  return all.toSorted((a, b) => value(b) - value(a) || a.name.localeCompare(b.name));
}

const bars = [...'▁▂▃▄▅▆▇█'];

/** The newest values, the highest as a full bar. */
function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-Math.min(width, 120));
  const highest = Math.max(...shown, 0);
  return shown.map((value) => bars[highest === 0 ? 0 : Math.round((value / highest) * (bars.length - 1))]).join('');
}

function wrap(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 3 + part.length <= width) lines[lines.length - 1] = `${last}   ${part}`;
    else lines.push(part);
  }
  return lines;
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** A model's name is anybody's text: nothing in it may move the cursor. */
function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

function rate(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  return value >= 100 ? value.toFixed(0) : value.toFixed(value === 0 ? 0 : value < 1 ? 2 : 1);
}

function usd(value: number): string {
  if (value >= 1e4) return `$${(value / 1e3).toFixed(1)}k`;
  if (value >= 100) return `$${value.toFixed(0)}`;
  return value === 0 ? '$0' : value < 0.01 ? `$${value.toPrecision(1)}` : `$${value.toFixed(2)}`;
}

function duration(ms: number | null): string {
  if (ms === null) return '-';
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)}s` : `${(ms / 60_000).toFixed(1)}m`;
}

function percent(ratio: number): string {
  return ratio === 0 ? '0%' : ratio < 0.1 ? `${(ratio * 100).toFixed(1)}%` : `${Math.round(ratio * 100)}%`;
}

interface Style {
  bold(text: string): string;
  dim(text: string): string;
  accent(text: string): string;
  alarm(text: string): string;
}

const sgr = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const styled: Style = { bold: sgr(1), dim: sgr(2), accent: sgr(36), alarm: sgr(31) };
const asIs = (text: string) => text;
const plain: Style = { bold: asIs, dim: asIs, accent: asIs, alarm: asIs };
