import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { CannotInstall, installPackages } from '../clients/install.ts';
import { makeDirectory, repository } from '../directories.ts';
import { dashboardFiles } from './promql.ts';

/** How Grafana types the panels of each kind. */
const panelTypes: Readonly<Record<string, string>> = {
  row: 'RowPanel',
  stat: 'Panel<stat.Options>',
  table: 'Panel<table.Options, table.FieldConfig>',
  timeseries: 'Panel<timeseries.Options, timeseries.FieldConfig>',
};

/** What the SDK writes for variables, and the schema leaves out: for those of an interval, and what of a query Grafana shows. */
const leftOut = ['auto', 'auto_min', 'auto_count', 'definition'];

/** In files, an enum is its text. */
const json = `type Json<T> = T extends string ? (string extends T ? T : \`\${T}\`)
  : T extends number ? number
  : T extends readonly (infer U)[] ? Json<U>[]
  : T extends object ? { [K in keyof T]: Json<T[K]> }
  : T;`;

test('the dashboards are what the schema that Grafana publishes says, to the field', async (t) => {
  const installed = await installPackages('grafana-schema', join(import.meta.dirname, 'schema')).catch(
    (error: unknown) => {
      if (!(error instanceof CannotInstall)) throw error;
      return error;
    },
  );
  if (typeof installed !== 'string') return t.skip(installed.message);
  const types = join(installed, 'node_modules/@grafana/schema/dist/types');
  const kinds = Object.keys(panelTypes).filter((kind) => kind !== 'row');
  const program = [
    `import type { Dashboard, Panel, RowPanel } from '${types}/index.d.ts';`,
    ...kinds.map(
      (kind) => `import type * as ${kind} from '${types}/raw/composable/${kind}/panelcfg/x/types.gen.d.ts';`,
    ),
    json,
  ];
  for (const [index, file] of dashboardFiles.entries()) {
    const { panels, ...board } = JSON.parse(await readFile(file, 'utf8'));
    for (const variable of board.templating.list) for (const field of leftOut) delete variable[field];
    program.push(`export const board${index}: Json<Dashboard> = ${JSON.stringify(board)};`);
    for (const panel of panels) {
      const type = panelTypes[panel.type] ?? assert.fail(`${panel.type} needs a line in panelTypes`);
      program.push(`export const panel${index}of${panel.id}: Json<${type}> = ${JSON.stringify(panel)};`);
    }
  }
  const check = async (lines: readonly string[]) => {
    const directory = await makeDirectory(t);
    await writeFile(join(directory, 'boards.ts'), lines.join('\n'));
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--allowImportingTsExtensions', '--ignoreConfig'];
    const target = ['--target', 'esnext', '--module', 'esnext', '--moduleResolution', 'bundler'];
    const tsc = join(repository, 'node_modules/.bin/tsc');
    return promisify(execFile)(tsc, [...options, ...target, 'boards.ts'], { cwd: directory }).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
  };
  assert.equal(await check(program), '');
  const wrong = program.map((line) => line.replace('"type":"timeseries"', '"kind":"timeseries"'));
  assert.match(await check(wrong), /'"kind"' does not exist/, 'a field that Grafana does not know is found');
});
