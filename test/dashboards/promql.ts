import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { boards } from '../../dashboards/boards/table.ts';
import { alerts } from '../../dashboards/rules/alerts.ts';
import { recordingRules } from '../../dashboards/rules/recording.ts';
import type { Alert } from '../../dashboards/rules/rule.ts';
import { repository } from '../directories.ts';

export const dashboardFiles = boards.map(({ name }) => join(repository, 'charts/chaperone/dashboards', `${name}.json`));
export const ruleFile = join(repository, 'charts/chaperone/rules/chaperone.yaml');

/** A dashboard as Grafana imports it, as far as tests look into it. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string; readonly thresholds?: object } };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly links?: readonly { readonly url: string }[];
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat?: string }[];
}

export const dashboards: readonly Dashboard[] = dashboardFiles.map((file) => JSON.parse(readFileSync(file, 'utf8')));

/** A query, and where it stands. */
export interface PlacedQuery {
  readonly place: string;
  readonly expr: string;
}

/** The queries of all panels, with the values that Grafana would put in. */
export function panelQueries(): readonly PlacedQuery[] {
  return dashboards.flatMap(({ uid, panels }) =>
    panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ refId, expr }) => ({ place: `${uid}: ${title} ${refId}`, expr: interpolate(expr) })),
    ),
  );
}

/** What recording rules and alerts look at. Of an alert, without the condition, which nothing should fulfil. */
export function ruleQueries(): readonly PlacedQuery[] {
  return [
    ...recordingRules.map(({ record, expr }) => ({ place: record, expr })),
    ...Object.entries<Alert>(alerts).map(([name, { measure }]) => ({ place: name, expr: measure })),
  ];
}

/** With all values of every variable. */
export function interpolate(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '10m')
    .replace(/"\$(organization|namespace|workload|job)"/g, '".*"');
}

/** The names of metrics in queries. */
export function metricsIn(queries: readonly PlacedQuery[]): ReadonlySet<string> {
  const names = queries.flatMap(({ expr }) => [
    ...expr.replace(/\b(by|on) \([^)]*\)/g, '').matchAll(/[a-z_][a-z0-9_]{8,}/g),
  ]);
  return new Set(names.map(([name]) => name));
}
