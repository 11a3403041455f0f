import type { MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';

/** The newest form that Prometheus reads as text, and the only one with exemplars. */
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** @param accept the header of a scrape */
export function asksForOpenMetrics(accept: string | undefined): boolean {
  return /\bapplication\/openmetrics-text\b/.test(accept ?? '');
}

/** A value that an exemplar may belong to. */
export interface Exemplar {
  readonly labelSet: Readonly<Record<string, string>>;
  readonly value: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

type Value = MetricValueWithName<string> & { readonly exemplar?: Exemplar | null };

/**
 * Renders metrics as OpenMetrics. prom-client can, too, but it renames its counters for good when it does.
 *
 * @see https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export async function renderOpenMetrics(registry: Pick<Registry, 'getMetricsAsJSON'>): Promise<string> {
  const metrics = (await registry.getMetricsAsJSON()) as unknown as MetricObjectWithValues<Value>[];
  return `${metrics.flatMap(renderMetric).join('\n')}\n# EOF\n`;
}

function renderMetric({ name, help, type, values }: MetricObjectWithValues<Value>): string[] {
  const isCounter = String(type) === 'counter';
  // A counter's family has no suffix, and its value must have one.
  const isOdd = isCounter && !name.endsWith('_total');
  const family = isCounter ? name.replace(/_total$/, '') : name;
  return [
    `# HELP ${family} ${escapeText(help).replaceAll('"', '\\"')}`,
    `# TYPE ${family} ${isOdd ? 'unknown' : type}`,
    ...values.map(({ metricName = name, labels, value, exemplar }) => {
      const line = `${metricName}${writeLabels(labels)} ${write(value)}`;
      return exemplar
        ? `${line} # ${writeLabels(exemplar.labelSet)} ${write(exemplar.value)} ${exemplar.timestamp}`
        : line;
    }),
  ];
}

function writeLabels(labels: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(labels).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${escapeText(String(value)).replaceAll('"', '\\"')}"`],
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function write(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
