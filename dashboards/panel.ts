import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { TableCellDisplayMode } from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { AlertName } from './rules/alerts.ts';

/** The data source that the reader chooses. */
export const dataSource = { type: 'prometheus', uid: `\${datasource}` };

/** Where runbooks are. The chart puts in its value `monitoring.runbooks`. */
export const runbooks = 'docs/runbooks';

/** A query of a panel: PromQL, and what a series is called in the legend. */
export type Query = readonly [expr: string, legend: string];

export interface PanelOptions {
  /** What the panel tells, with all that a reader may mistake. */
  readonly says: string;
  /** Grafana's name of the unit, such as `s` or `currencyUSD`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** From which values on it is yellow, and red. */
  readonly limits?: readonly [yellow: number, red: number];
  /** Red below these values instead of above. */
  readonly isBetterHigh?: boolean;
  /** The alerts whose runbooks say what to do. */
  readonly alerts?: readonly AlertName[];
}

interface CommonBuilder extends Builder<Panel> {
  title(title: string): this;
  description(text: string): this;
  datasource(source: typeof dataSource): this;
  unit(unit: string): this;
  thresholds(thresholds: ThresholdsConfigBuilder): this;
  links(links: DashboardLinkBuilder[]): this;
  withTarget(target: DataqueryBuilder): this;
  height(rows: number): this;
  span(columns: number): this;
}

/** How series go over time. The title is a question. */
export function lines(title: string, options: PanelOptions): Builder<Panel> {
  return dress(new LinesBuilder().fillOpacity(8).min(0), title, options).height(8).span(8);
}

/** One figure over the chosen time. */
export function figure(title: string, options: PanelOptions): Builder<Panel> {
  return dress(new StatBuilder().noValue('none'), title, options, 'instant').height(4).span(4);
}

/** A row for each series at the end of the chosen time, the largest first. */
export function table(title: string, options: PanelOptions): Builder<Panel> {
  const hidden = { Time: true, __name__: true, instance: true, job: true, pod: true, container: true, endpoint: true };
  const tidy = new TableBuilder()
    .noValue('none')
    .cellOptions({ type: TableCellDisplayMode.Auto })
    .withTransformation({ id: 'organize', options: { excludeByName: hidden } })
    .withTransformation({ id: 'sortBy', options: { sort: [{ field: 'Value', desc: true }] } });
  return dress(tidy, title, options, 'instant').height(8).span(8);
}

function dress<B extends CommonBuilder>(
  builder: B,
  title: string,
  { says, unit, queries, limits, isBetterHigh = false, alerts = [] }: PanelOptions,
  when: 'range' | 'instant' = 'range',
): B {
  builder
    .title(title)
    .description(says)
    .datasource(dataSource)
    .unit(unit)
    .thresholds(thresholdsOf(limits, isBetterHigh))
    .links(alerts.map(runbookLink));
  for (const [index, [expr, legend]] of queries.entries()) {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .expr(expr)
      .legendFormat(legend);
    if (when === 'range') builder.withTarget(query.range());
    else builder.withTarget(query.instant().format(PromQueryFormat.Table));
  }
  return builder;
}

function thresholdsOf(limits: PanelOptions['limits'], isBetterHigh: boolean): ThresholdsConfigBuilder {
  const [first, last] = isBetterHigh ? ['red', 'green'] : ['green', 'red'];
  const base = { color: limits ? first : 'green', value: null };
  const [lower, upper] = isBetterHigh ? (limits?.toReversed() ?? []) : (limits ?? []);
  const steps = [
    ...(lower === undefined ? [] : [{ color: 'yellow', value: lower }]),
    ...(upper === undefined ? [] : [{ color: last, value: upper }]),
  ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([base, ...steps]);
}

function runbookLink(alert: AlertName): DashboardLinkBuilder {
  return new DashboardLinkBuilder(`Runbook: ${alert}`)
    .type(DashboardLinkType.Link)
    .url(`\${runbooks:raw}/${alert}.md`)
    .targetBlank(true);
}
