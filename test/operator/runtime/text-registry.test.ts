import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gauge } from 'prom-client';
import { makeResourceMetrics } from '../../../operator/runtime/resource-metrics.ts';
import { TextRegistry } from '../../../operator/runtime/text-registry.ts';
import { makeMemoryCluster, makeMeta, makePersonaResource } from '../memory-cluster.ts';

test('the readiness of each resource follows the other metrics, one after another', async () => {
  const registry = new TextRegistry();
  new Gauge({ name: 'other', help: 'Another metric.', registers: [registry] }).set(7);
  const path = 'web/support';
  const condition = { type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '' } as const;
  const persona = {
    ...makePersonaResource(path),
    metadata: makeMeta(path, { generation: 2 }),
    status: { observedGeneration: 2, conditions: [condition] },
  };
  makeResourceMetrics(registry, makeMemoryCluster({ Persona: [persona] }));
  const series = (status: string, value: number) =>
    `chaperone_resource_ready{kind="Persona",namespace="web",name="support",condition="${status}"} ${value}`;
  assert.deepEqual((await registry.metrics()).trimEnd().split('\n'), [
    '# HELP other Another metric.',
    '# TYPE other gauge',
    'other 7',
    '',
    '# HELP chaperone_resource_ready Whether a resource is Ready: 1 for the status that its condition has, True, False or Unknown.',
    '# TYPE chaperone_resource_ready gauge',
    series('True', 1),
    series('False', 0),
    series('Unknown', 0),
  ]);
});
