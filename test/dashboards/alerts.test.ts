import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import type { AlertName } from '../../dashboards/rules/alerts.ts';
import { makeDirectory } from '../directories.ts';
import { type AlertCase, alertCases } from './alert-cases.ts';
import { skip } from './prometheus.ts';
import { ruleFile } from './promql.ts';

interface Alert {
  readonly alert: AlertName;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups }: { groups: { name: string; rules: (Alert | { record: string })[] }[] } = parse(
  readFileSync(ruleFile, 'utf8'),
);
const alerts = groups.flatMap(({ rules }) => rules).filter((rule) => 'alert' in rule);
const promtool = (...args: string[]) =>
  promisify(execFile)('promtool', args).catch((error: { stdout: string; stderr: string }) =>
    assert.fail(`${error.stdout}${error.stderr}`),
  );

describe('alerts', { skip }, () => {
  test('and recording rules are accepted by Prometheus', async () => {
    const { stdout } = await promtool('check', 'rules', '--lint=all', '--lint-fatal', ruleFile);
    assert.match(stdout, new RegExp(`SUCCESS: ${groups.flatMap(({ rules }) => rules).length} rules`));
  });

  test('have a case each', () =>
    assert.deepEqual(alerts.map(({ alert }) => alert).toSorted(), Object.keys(alertCases).toSorted()));

  test('fire when they should, say what they should, and are quiet otherwise', async (t) => {
    const directory = await makeDirectory(t);
    const files = await Promise.all(alerts.map((alert) => writeTests(directory, alert)));
    const { stdout } = await promtool('test', 'rules', ...files);
    assert.equal(stdout.match(/SUCCESS/g)?.length, files.length, stdout);
  });
});

/** promtool evaluates every rule of its files at every step, so each alert gets a file with what it needs. */
async function writeTests(directory: string, alert: Alert): Promise<string> {
  const recording = alert.expr.includes(':') ? groups.filter(({ name }) => name === 'chaperone-recording') : [];
  const needed = [...recording, { name: 'alert', rules: [alert] }];
  const rules = join(directory, `${alert.alert}.rules.yaml`);
  await writeFile(rules, stringify({ groups: needed }));
  const { every = '1m', ...one } = alertCases[alert.alert];
  const file = join(directory, `${alert.alert}.tests.yaml`);
  const tests = {
    ...{ rule_files: [rules], evaluation_interval: every, group_eval_order: needed.map(({ name }) => name) },
    tests: testsOf(alert, one),
  };
  await writeFile(file, stringify(tests));
  return file;
}

function testsOf(alert: Alert, { fires, quiet, at, labels = {}, value = '', interval = '1m' }: AlertCase): object[] {
  const one = (series: AlertCase['fires'], expected: readonly object[]) => ({
    interval,
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [{ eval_time: at, alertname: alert.alert, exp_alerts: expected }],
  });
  const firing = { exp_labels: { ...labels, ...alert.labels }, exp_annotations: annotationsOf(alert, labels, value) };
  return [one(fires, [firing]), ...quiet.map((series) => one(series, []))];
}

/** Labels that an alert may lack. */
const optional = ['binding'];

/** The texts with labels and value put in. A text that names a label that the alert lacks would have a hole. */
function annotationsOf(
  { alert, annotations }: Alert,
  labels: Readonly<Record<string, string>>,
  value: string,
): Record<string, string> {
  const entries = Object.entries(annotations).map(([name, text]) => [
    name,
    text
      .replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => {
        assert.ok(label in labels || optional.includes(label), `${alert} names the label ${label}, and has none`);
        return labels[label] ?? '';
      })
      .replace(/\{\{ \$value[^}]*\}\}/g, value),
  ]);
  return Object.fromEntries(entries);
}
