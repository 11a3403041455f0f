import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition } from '../../crds/object-meta.ts';
import type { Cluster, EventNote } from '../../operator/cluster/cluster.ts';
import { withPatience } from '../../operator/patient-events.ts';
import { keyOf, makeMemoryCluster, makeMeta, makePersonaResource } from './memory-cluster.ts';

const created = '2026-01-01T00:00:00Z';
const key = keyOf('Persona', 'web/support');
const warning: EventNote = { type: 'Warning', reason: 'ContentNotFound', message: 'Create the ConfigMap.' };

/** @param ageMs of the persona */
function stage(ageMs: number, condition: Pick<Condition, 'status' | 'reason'>) {
  const told: string[] = [];
  let conditions = [{ ...condition, type: 'Ready', message: '', lastTransitionTime: '' }];
  const cluster: Partial<Cluster> = {
    get: (...args) =>
      makeMemoryCluster({
        Persona: [
          {
            ...makePersonaResource('web/support'),
            metadata: makeMeta('web/support', { creationTimestamp: created }),
            status: { conditions },
          },
        ],
      }).get(...args),
    recordEvent: async (_, { reason }) => void told.push(reason),
  };
  const now = () => Date.parse(created) + ageMs;
  const patient = withPatience(cluster as Cluster, 10_000, now);
  return {
    told,
    patient,
    becomes: (status: Condition['status'], reason: string) => {
      conditions = conditions.map((one) => ({ ...one, status, reason }));
    },
  };
}

const missing = { status: 'False', reason: 'ContentNotFound' } as const;

test('a Warning about a new object is sent once the object is old enough, if it still applies', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { told, patient } = stage(1_000, missing);
  await patient.cluster.recordEvent(key, warning);
  t.mock.timers.tick(8_999);
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  assert.deepEqual(told, ['ContentNotFound']);
});

test('a Warning that no longer applies is not sent', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { told, patient, becomes } = stage(1_000, missing);
  await patient.cluster.recordEvent(key, warning);
  becomes('True', 'Ready');
  t.mock.timers.tick(20_000);
  assert.deepEqual(told, []);
});

test('nothing is sent after the end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { told, patient } = stage(1_000, missing);
  await patient.cluster.recordEvent(key, warning);
  patient.stop();
  t.mock.timers.tick(20_000);
  assert.deepEqual(told, []);
});

test('an Event is sent at once if it is Normal, without a condition, or about an older object', async () => {
  const young = stage(1_000, missing);
  await young.patient.cluster.recordEvent(key, { ...warning, type: 'Normal' });
  await young.patient.cluster.recordEvent(key, { ...warning, reason: 'DataKeysLost' });
  assert.deepEqual(young.told, ['ContentNotFound', 'DataKeysLost']);
  const old = stage(10_001, missing);
  await old.patient.cluster.recordEvent(key, warning);
  assert.deepEqual(old.told, ['ContentNotFound']);
});
