import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { type LogFormat, makeOperatorLog } from '../../cli/operator/log.ts';
import type { Condition } from '../../crds/object-meta.ts';
import type { Cluster, Secret } from '../../operator/cluster/cluster.ts';
import { logChanges } from '../../operator/logged-cluster.ts';
import { makeMemoryCluster, makePersonaResource, makeSecret } from './memory-cluster.ts';

function open(format: LogFormat) {
  const lines: string[] = [];
  const destination = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      lines.push(line.trimEnd());
      done();
    },
  });
  return { lines, log: makeOperatorLog({ level: 'info', format, destination }) };
}

function condition(status: 'True' | 'False', reason: string): Condition {
  return { type: 'Ready', status, reason, message: 'Create it.', lastTransitionTime: '' };
}

/** A cluster that keeps no status; its Secret is another object after each write. */
function makeCluster(status: readonly Condition[]): Cluster {
  const secrets: Secret[] = [];
  return {
    ...makeMemoryCluster({
      Persona: [{ ...makePersonaResource('web/support'), status: { conditions: [...status] } }],
      Secret: secrets,
    }),
    start: async () => {},
    close: async () => {},
    subscribe: () => () => {},
    updateStatus: async () => {},
    applySecret: async ({ namespace, name, data }) => {
      if (Object.keys(data).length > 0) secrets.splice(0, 1, makeSecret(`${namespace}/${name}`));
    },
    deleteSecret: async () => void secrets.splice(0),
    addFinalizer: async () => {},
    removeFinalizer: async () => {},
    recordEvent: async () => {},
  };
}

const key = { kind: 'Persona', namespace: 'web', name: 'support' } as const;

test('each change, and nothing else, has a line with controller-runtime’s keys', async () => {
  const { lines, log } = open('json');
  const cluster = logChanges(makeCluster([condition('True', 'Ready')]), log);
  await cluster.updateStatus(key, { conditions: [condition('True', 'Ready')] });
  assert.deepEqual(lines, []);
  await cluster.updateStatus(key, { conditions: [condition('False', 'ContentNotFound')] });
  const secret = { namespace: 'web', name: 'key', ownerUid: 'uid' };
  await cluster.applySecret({ ...secret, data: {} });
  await cluster.applySecret({ ...secret, data: { key: 'chp_1' } });
  await cluster.deleteSecret('web', 'key', () => true);
  await cluster.deleteSecret('web', 'key', () => true);
  await cluster.recordEvent(key, { type: 'Normal', reason: 'Ready', message: 'As the condition says.' });
  await cluster.recordEvent(key, { type: 'Normal', reason: 'SidecarsRolled', message: 'web is rolled.' });
  await cluster.removeFinalizer(key, 'chaperone.dev/row');
  const entries = lines.map((line) => JSON.parse(line));
  for (const { time } of entries) assert.equal(new Date(time).toISOString(), time);
  assert.deepEqual(
    entries.map(({ time: _, ...entry }) => entry),
    [
      {
        ...{ level: 'warn', controller: 'persona', namespace: 'web', name: 'support', condition: 'Ready' },
        ...{ status: 'False', reason: 'ContentNotFound', message: 'Create it.', msg: 'condition changed' },
      },
      { level: 'info', secret: { namespace: 'web', name: 'key' }, msg: 'Secret written' },
      { level: 'info', secret: { namespace: 'web', name: 'key' }, msg: 'Secret removed' },
      {
        ...{ level: 'info', controller: 'persona', namespace: 'web', name: 'support' },
        ...{ reason: 'SidecarsRolled', message: 'web is rolled.', msg: 'event' },
      },
      {
        ...{ level: 'info', controller: 'persona', namespace: 'web', name: 'support' },
        msg: 'cleaned up after a deleted object, and removed its finalizer',
      },
    ],
  );
});

test('the text format has a readable line for each entry', async () => {
  const { lines, log } = open('text');
  await logChanges(makeCluster([]), log).updateStatus(key, { conditions: [condition('False', 'ContentNotFound')] });
  log.warn({ err: new Error('connect ECONNREFUSED') }, 'lost the database');
  assert.match(
    lines[0] ?? '',
    /^\d{4}-\d\d-\d\dT[\d:.]+Z WARN condition changed controller=persona namespace=web name=support .*message="Create it\."$/,
  );
  assert.match(lines[1] ?? '', /WARN lost the database err="connect ECONNREFUSED"$/);
});
