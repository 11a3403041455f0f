import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  VariableHide,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { dataSource, runbooks } from './panel.ts';

/** A dashboard: who reads it, and rows of panels. */
export interface Board {
  /** The file's name, and the end of the dashboard's uid. */
  readonly name: string;
  readonly title: string;
  readonly says: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Builder<Panel>[];
}

/** What a reader chooses among: the values of a label of a metric. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** A selector of series, and their label with the values. */
  readonly from: string;
  readonly of: string;
}

/** Makes the JSON of a dashboard, as Grafana imports it. */
export function renderBoard({ name, title, says, variables, rows }: Board): string {
  const builder = new DashboardBuilder(title)
    .uid(`chaperone-${name}`)
    .description(says)
    .tags(['chaperone'])
    .time({ from: 'now-6h', to: 'now' })
    .refresh('1m')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Chaperone')
        .type(DashboardLinkType.Dashboards)
        .tags(['chaperone'])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    )
    .variables([...fixedVariables(), ...variables.map(queryVariable)]);
  let id = 0;
  for (const row of rows) {
    id += 1;
    builder.withRow(new RowBuilder(row.title).id(id));
    for (const panel of row.panels) {
      id += 1;
      builder.withPanel(numbered(panel, id));
    }
  }
  return `${JSON.stringify({ ...builder.build(), id: null }, null, 2)}\n`;
}

/** Ids must not depend on the Grafana that imports the dashboard, since links name them. */
function numbered(panel: Builder<Panel>, id: number): Builder<Panel> {
  return { build: () => ({ ...panel.build(), id }) };
}

function fixedVariables(): Builder<VariableModel>[] {
  return [
    new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    new TextBoxVariableBuilder('runbooks')
      .hide(VariableHide.HideVariable)
      .defaultValue(runbooks)
      .current({ text: runbooks, value: runbooks }),
  ];
}

/** All of its values are `.*`, so that series without the label are among them, such as those of `chaperone up`. */
function queryVariable({ name, label, from, of }: Variable): Builder<VariableModel> {
  const query = `label_values(${from}, ${of})`;
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(dataSource)
    .definition(query)
    .query({ qryType: 1, query, refId: name })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: 'All', value: '$__all' });
}
