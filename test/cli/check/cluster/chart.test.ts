import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { leastMinor } from '../../../../cli/check/cluster/api-checks.ts';
import { chartResources } from '../../../../cli/check/cluster/rights.ts';

const chart = join(import.meta.dirname, '../../../../charts/chaperone');
/** Made only where the operators of Prometheus or Grafana, or cert-manager, are asked for, which not every cluster knows. */
const optional = ['ServiceMonitor', 'PodMonitor', 'PrometheusRule', 'GrafanaDashboard', 'Certificate'];

test('a check of rights covers everything that the chart makes', () => {
  const templates = globSync('templates/**/*.yaml', { cwd: chart }).map((file) =>
    readFileSync(join(chart, file), 'utf8'),
  );
  const kinds = templates.flatMap((text) => [...text.matchAll(/^kind: (\w+)/gm)].map(([, kind]) => String(kind)));
  const wanted = new Set(['CustomResourceDefinition', ...kinds].filter((kind) => !optional.includes(kind)));
  assert.deepEqual(chartResources.map(({ kind }) => String(kind)).toSorted(), [...wanted].toSorted());
});

test('the oldest supported Kubernetes is that of the chart', () => {
  assert.match(readFileSync(join(chart, 'Chart.yaml'), 'utf8'), new RegExp(`kubeVersion: ">=1\\.${leastMinor}\\.`));
});
