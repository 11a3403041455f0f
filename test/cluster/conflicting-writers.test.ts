import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kind, ObjectKey } from '../../operator/cluster/cluster.ts';
import { isConflict } from '../../operator/cluster/kubernetes/api-error.ts';
import { apiVersionOf, objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import { type ApiClient, makeApiClient } from '../../operator/cluster/kubernetes.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { binding, decode, organization, persona, secret, type TestObject } from './resources.ts';
import { type Stage, setStage } from './stage.ts';

const pairs = 100;

type Write = (client: ApiClient, key: ObjectKey) => Promise<unknown>;

/** Ways of writing whatever object: each leaves a label of its own, which must be there in the end. */
const writers: Readonly<Record<string, Write>> = {
  'by a merge patch': (client, key) => patch(client, objectPath(key), { metadata: { labels: { patched: 'yes' } } }),
  'by server-side apply': (client, key) =>
    applyAs('gitops', client, key, '', { metadata: { name: key.name, labels: { applied: 'yes' } } }),
  'by an update, without our finalizer': async (client, key) => {
    const path = objectPath(key);
    const object = await client.send<TestObject>({ method: 'GET', path });
    const labels = { ...object.metadata.labels, updated: 'yes' };
    const body = { ...object, metadata: { ...object.metadata, labels, finalizers: [] } };
    await client.send({ method: 'PUT', path, body });
  },
};
const theirLabels = { patched: 'yes', applied: 'yes', updated: 'yes' };
const statusWriters: typeof writers = {
  'a condition of their own': (client, key) => applyCondition('auditor', client, key, 'Audited'),
  'our condition': (client, key) => applyCondition('vandal', client, key, 'Ready'),
};
const secretWriters: typeof writers = {
  'our key, by server-side apply': (client, key) =>
    applyAs('vandal', client, key, '', { metadata: { name: key.name }, data: { 'api-key': btoa('forged') } }),
  'a key of its own and our label': (client, key) =>
    patch(client, objectPath(key), {
      metadata: { labels: { 'chaperone.dev/binding': 'forged' } },
      stringData: { surplus: 'here' },
    }),
};

describe('an operator while others write to the same objects', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let client: ApiClient;
  /** By the operator. */
  const writes = new Map<string, number>();
  const writesOf = () => writes.values().reduce((sum, count) => sum + count, 0);

  before(async () => {
    stage = await setStage(scope);
    client = makeApiClient({
      kubeConfig: kubeConfigOf(stage.server),
      onAnswer: (code, { method, path }) => {
        if (method === 'GET' || path.includes('/events')) return;
        const id = `${method} ${path.split('/').at(-1) === 'status' ? 'status' : (path.split('/').at(-2) ?? '')} ${code}`;
        writes.set(id, (writes.get(id) ?? 0) + 1);
      },
    });
    scope.after(() => client.close());
  });

  test('brings 200 objects and their Secrets to the wanted state, and then nobody writes any more', async (t) => {
    const { hands } = stage;
    const operator = await stage.startOperator({ client });
    await hands.create('Organization', 'acme', organization());
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    const names = Array.from({ length: pairs }, (_, index) => `n${index}`);
    let theirWrites = 0;
    const write = async (key: ObjectKey, ways: typeof writers) => {
      for (const way of Object.values(ways)) {
        await insist(() => way(stage.client, key));
        theirWrites += 1;
      }
    };
    const disturb = async (name: string) => {
      const keyOf = (kind: Kind, rest = '') => ({ kind, namespace: 'web', name: `${name}${rest}` });
      await hands.create('Persona', `web/${name}`, persona({ name }));
      await hands.create('ApiKeyBinding', `web/${name}`, binding({ user: name }));
      await write(keyOf('Persona'), { ...statusWriters, ...writers });
      await insist(() => hands.change('Persona', `web/${name}`, { spec: { description: 'changed' } }));
      await until(() => hands.find('Secret', `web/${name}-synthetic-key`));
      await write(keyOf('Secret', '-synthetic-key'), { ...writers, ...secretWriters });
    };
    const left = [...names];
    const work = async () => {
      for (let name = left.shift(); name !== undefined; name = left.shift()) await disturb(name);
    };
    await Promise.all(Array.from({ length: 8 }, work));

    for (const name of names) {
      await hands.untilReason('ApiKeyBinding', `web/${name}`, 'Ready');
      const { metadata, status } = await until(async () => {
        const object = await hands.find('Persona', `web/${name}`);
        const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready');
        return ready?.reason === 'Ready' && object?.metadata.finalizers?.includes('chaperone.dev/row') && object;
      }, `Persona ${name} to be Ready and have its finalizer`);
      assert.deepEqual(metadata.labels, theirLabels);
      assert.ok(status?.conditions?.some(({ type }) => type === 'Audited'));
    }
    await until(async () => (await unsettled(stage, names)).length === 0, 'the rows and the Secrets to be right');
    // After its first head, the audit log shows another one in a minute at the earliest.
    await until(async () => {
      const { status } = (await hands.find('Organization', 'acme')) ?? {};
      return status?.conditions?.some(({ type }) => type === 'AuditIntact');
    }, 'the first head of the audit log');
    const settled = await until(async () => {
      await operator.idle();
      const before = writesOf();
      // It may have something left to do for what it has not seen yet, but not for ever.
      await delay(1_000);
      return writesOf() === before && before;
    }, 'the operator to write no more');
    t.diagnostic(`${theirWrites} writes of others, ${settled} of the operator: ${JSON.stringify([...writes])}`);
    assert.ok(settled < theirWrites * 2, 'more writes than answers to theirs');

    await operator.stop();
    const again = await stage.startOperator({ client });
    await again.idle();
    assert.equal(writesOf(), settled, 'a restart only reads');
  });
});

/** Personas whose row is not as they are, and bindings whose Secret is not what their row says. */
async function unsettled({ db, hands }: Stage, names: readonly string[]): Promise<string[]> {
  const rows = async <Row extends object>(columns: string, table: string) =>
    (await db.query<Row & { resource: string }>(`select resource, ${columns} from chaperone.${table}`)).rows;
  const personas = await rows<{ description: string }>('description', 'personas');
  const keys = await rows<{ hash: string }>(`encode(synthetic_key_sha256, 'hex') as hash`, 'api_keys');
  const wrong = personas.filter(({ description }) => description !== 'changed').map(({ resource }) => resource);
  for (const name of names) {
    const found = await hands.find('Secret', `web/${name}-synthetic-key`);
    const { labels } = found?.metadata ?? {};
    const isOurs = Object.keys(found?.data ?? {}).join() === 'api-key' && labels?.['chaperone.dev/binding'] === name;
    const isTheirs = Object.keys(theirLabels).every((label) => labels?.[label] === 'yes');
    const hash = createHash('sha256').update(decode(found, 'api-key')).digest('hex');
    const isKnown = keys.some((row) => row.resource === `web/${name}` && row.hash === hash);
    if (!isOurs || !isTheirs || !isKnown) wrong.push(name);
  }
  return wrong;
}

function patch(client: ApiClient, path: string, body: object): Promise<unknown> {
  return client.send({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
}

function applyAs(manager: string, client: ApiClient, key: ObjectKey, subresource: string, fields: object) {
  return client.send({
    method: 'PATCH',
    path: `${objectPath(key)}${subresource}`,
    query: { fieldManager: manager, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: { apiVersion: apiVersionOf(key.kind), kind: key.kind, ...fields },
  });
}

function applyCondition(manager: string, client: ApiClient, key: ObjectKey, type: string) {
  const condition = {
    type,
    status: 'Unknown',
    reason: 'Theirs',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  return applyAs(manager, client, key, '/status', {
    metadata: { name: key.name },
    status: { conditions: [condition] },
  });
}

/** Writes until nobody else was faster. */
async function insist(write: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await write();
      return;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
}
