import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { parse } from 'yaml';
import { chart, parseRendered, type Rendered, render, skip } from './helm.ts';

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Group {
  readonly name: string;
  readonly rules: readonly Rule[];
}

suite('what the chart has for Prometheus and Grafana', { skip, concurrency: 2 }, () => {
  const renderWith = async (...values: string[]) =>
    parseRendered(await render('--set', 'database.bundled.enabled=true,crds.install=false', ...values.flatMap(set)));
  const set = (value: string) => ['--set', `monitoring.${value}`];
  const groupsOf = (objects: readonly Rendered[]) => {
    const [rules, ...others] = objects.filter(({ kind }) => kind === 'PrometheusRule');
    assert.ok(rules && others.length === 0);
    return (rules.spec as { groups: Group[] }).groups;
  };
  const dashboardsOf = (objects: readonly Rendered[]) =>
    objects.filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.includes('-dashboard-'));

  test('is not there unless asked for', async () => {
    const kinds = new Set((await renderWith()).map(({ kind }) => kind));
    for (const kind of ['PrometheusRule', 'ServiceMonitor', 'PodMonitor', 'GrafanaDashboard'])
      assert.ok(!kinds.has(kind));
    assert.deepEqual(dashboardsOf(await renderWith()), []);
  });

  test('are the generated rules', async () => {
    const objects = await renderWith('rules.enabled=true', 'rules.labels.release=prometheus');
    const file: { groups: Group[] } = parse(await readFile(join(chart, 'rules', 'chaperone.yaml'), 'utf8'));
    assert.deepEqual(groupsOf(objects), file.groups);
    const { metadata } = objects.find(({ kind }) => kind === 'PrometheusRule') ?? {};
    assert.equal(metadata?.labels?.release, 'prometheus');
    assert.equal(metadata?.namespace, 'chaperone-system');
  });

  test('are rules with another objective, other runbooks, and without what somebody does not want', async () => {
    const groups = groupsOf(
      await renderWith(
        ...[
          'rules.enabled=true',
          'rules.objective=99.9',
          'rules.disabled={ChaperoneVersionsDiffer,ChaperoneDeadLetters}',
        ],
        'runbooks=https://wiki.example.com/runbooks/',
      ),
    );
    const rules = groups.flatMap((group) => group.rules);
    assert.equal(rules.find(({ record }) => record === 'chaperone:objective:ratio')?.expr, 'vector(0.999)');
    const names = rules.flatMap(({ alert = [] }) => alert);
    assert.ok(
      names.length > 25 && !names.includes('ChaperoneVersionsDiffer') && !names.includes('ChaperoneDeadLetters'),
    );
    for (const { alert, annotations } of rules) {
      if (alert) assert.equal(annotations?.runbook_url, `https://wiki.example.com/runbooks/${alert}.md`);
    }
  });

  test('are the generated dashboards, with the label of kube-prometheus-stack', async () => {
    const maps = dashboardsOf(await renderWith('dashboards.enabled=true', 'dashboards.annotations.grafana_folder=AI'));
    assert.equal(maps.length, 4);
    for (const { metadata, data } of maps) {
      assert.equal(metadata.labels?.grafana_dashboard, '1');
      assert.equal(metadata.annotations?.grafana_folder, 'AI');
      const [[key, text] = ['', ''], ...others] = Object.entries(data as Record<string, string>);
      assert.deepEqual(others, []);
      // Grafana's sidecar writes all files into one folder.
      assert.equal(key, `${metadata.name}.json`);
      const name = metadata.name.replace('chaperone-dashboard-', '');
      assert.deepEqual(JSON.parse(text), JSON.parse(await readFile(join(chart, 'dashboards', `${name}.json`), 'utf8')));
    }
  });

  test('are dashboards with links to the runbooks of a wiki, also for the Grafana operator', async () => {
    const objects = await renderWith(
      ...['dashboards.grafanaOperator.enabled=true', 'dashboards.grafanaOperator.folder=AI'],
      'runbooks=https://wiki.example.com/runbooks/',
    );
    const maps = dashboardsOf(objects);
    for (const { metadata, data } of maps) {
      assert.equal(metadata.labels?.grafana_dashboard, undefined, 'the sidecar would load it a second time');
      const dashboard = JSON.parse(Object.values(data as Record<string, string>)[0] ?? '');
      const runbooks = dashboard.templating.list.find(({ name }: { name: string }) => name === 'runbooks');
      assert.equal(runbooks.current.value, 'https://wiki.example.com/runbooks');
    }
    const specs = objects.flatMap(({ kind, spec }) => (kind === 'GrafanaDashboard' ? spec : []));
    assert.deepEqual(
      specs,
      maps.map(({ metadata: { name } }) => ({
        instanceSelector: { matchLabels: { dashboards: 'grafana' } },
        folder: 'AI',
        configMapRef: { name, key: `${name}.json` },
      })),
    );
  });

  test('keeps the labels of the operator’s metrics, which say of which namespace a resource is', async () => {
    const objects = await renderWith('serviceMonitor.enabled=true', 'podMonitor.enabled=true');
    const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor')?.spec as { endpoints: object[] };
    assert.deepEqual(monitor.endpoints, [{ port: 'metrics', interval: '30s', honorLabels: true }]);
    const selected = objects.filter(({ kind }) => kind === 'PodMonitor').map(({ metadata }) => metadata.name);
    assert.deepEqual(selected.toSorted(), ['chaperone-gateways', 'chaperone-sidecars', 'chaperone-workers']);
  });

  for (const value of [
    'rules.objective=100',
    'rules.objective=0',
    'rules.disabled={Other}',
    'runbooks=docs/runbooks',
  ]) {
    test(`refuses monitoring.${value}`, () =>
      assert.rejects(renderWith(value), new RegExp(value.split('=', 1)[0]?.replaceAll('.', '/') ?? '-')));
  }
});
