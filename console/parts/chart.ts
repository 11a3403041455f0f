import { html, type TemplateResult } from 'lit/html.js';
import uPlot from 'uplot';

export interface ChartSeries {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly kind: 'bars' | 'line' | 'dashes';
  readonly tone: 'accent' | 'second' | 'muted' | 'bad';
}

export interface ChartSpec {
  /** What it shows, for who does not see it. */
  readonly label: string;
  /** When each point begins, ISO 8601. */
  readonly starts: readonly string[];
  readonly interval: 'hour' | 'day';
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  /** How values are written along the axis, where it is another way. */
  readonly tick?: (value: number) => string;
}

const height = 190;

/** A chart over time. It is drawn anew for the width that there is, and for the colours of the page. */
class ChartElement extends HTMLElement {
  #spec: ChartSpec | undefined;
  #plot: uPlot | undefined;
  #resized = new ResizeObserver(() => this.#fit());
  #drawn = '';
  readonly #redraw = () => this.#draw(true);

  set spec(spec: ChartSpec) {
    this.#spec = spec;
    if (this.isConnected) this.#draw();
  }

  connectedCallback(): void {
    document.addEventListener('chaperone-theme', this.#redraw);
    this.#resized.observe(this);
    this.#draw();
  }

  disconnectedCallback(): void {
    document.removeEventListener('chaperone-theme', this.#redraw);
    this.#resized.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#drawn = '';
  }

  #fit(): void {
    const width = this.clientWidth;
    if (this.#plot && width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height });
  }

  #draw(isForced = false): void {
    const spec = this.#spec;
    if (!spec) return;
    const drawn = JSON.stringify([spec.starts, spec.series]);
    if (drawn === this.#drawn && !isForced) return;
    this.#drawn = drawn;
    this.#plot?.destroy();
    this.#plot = new uPlot(makeOptions(spec, this), dataOf(spec), this);
    this.#fit();
  }
}

export function defineChart(): void {
  if (!customElements.get('console-chart')) customElements.define('console-chart', ChartElement);
}

export function showChart(spec: ChartSpec): TemplateResult {
  return html`<div class="chart" role="img" aria-label=${spec.label}>
    <console-chart aria-hidden="true" .spec=${spec}></console-chart>
  </div>`;
}

function dataOf({ starts, series }: ChartSpec): uPlot.AlignedData {
  return [starts.map((start) => Date.parse(start) / 1_000), ...series.map(({ values }) => [...values])];
}

/** How far labels along the axis are apart, in seconds: whole hours or days. */
const increments = {
  hour: [1, 2, 3, 6, 12, 24].map((hours) => hours * 3_600),
  day: [1, 2, 5, 7, 10, 14].map((days) => days * 86_400),
};

function makeOptions(
  { series, format, tick = format, interval, starts }: ChartSpec,
  element: HTMLElement,
): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  // Half a bar, so that the first and the last are whole.
  const step = starts.length > 1 ? Date.parse(starts[1] ?? '') - Date.parse(starts[0] ?? '') : 3_600_000;
  const room = (step / 1_000) * (series.some(({ kind }) => kind === 'bars') ? 0.5 : 0.02);
  const font = `12px ${style.fontFamily}`;
  const axis: uPlot.Axis = {
    ...{ stroke: color('muted'), font, ticks: { show: false } },
    grid: { stroke: color('line'), width: 1 },
  };
  return {
    width: Math.max(element.clientWidth, 100),
    height,
    // Days are those of UTC, as in the API; hours are the reader's.
    ...(interval === 'day' && { tzDate: (s: number) => uPlot.tzDate(new Date(s * 1_000), 'Etc/UTC') }),
    // The last label is as wide as the others.
    padding: [10, 20, 0, 0],
    legend: { live: true },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { range: (_, first, last) => [first - room, last + room] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.12 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 70,
        incrs: increments[interval],
        size: 30,
        values: (_, splits) => splits.map((s) => nameTime(s, interval)),
      },
      { ...axis, size: 58, space: 40, values: (_, splits) => splits.map((value) => tick(value)) },
    ],
    series: [
      { value: (_, s) => (s == null ? '' : nameTime(s, interval, true)) },
      ...series.map((one) => makeSeries(one, format, color)),
    ],
  };
}

function makeSeries(
  { label, kind, tone }: ChartSeries,
  format: (value: number) => string,
  color: (name: string) => string,
): uPlot.Series {
  const stroke = color(tone === 'second' ? 'second' : tone);
  const paths = kind === 'bars' ? uPlot.paths.bars?.({ size: [0.7, 36], radius: 0.15 }) : undefined;
  return {
    label,
    ...{ stroke, width: kind === 'bars' ? 0 : 2, points: { show: false }, spanGaps: true },
    value: (_, value) => (value == null ? '' : format(value)),
    ...(kind === 'bars' && { fill: stroke }),
    ...(kind === 'dashes' && { dash: [4, 4], width: 1.5 }),
    ...(paths && { paths }),
  };
}

const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayUtc = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const dayHour = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

function nameTime(s: number, interval: ChartSpec['interval'], isWhole = false): string {
  const date = new Date(s * 1_000);
  if (interval === 'day') return dayUtc.format(date);
  return (isWhole ? dayHour : hour).format(date);
}
