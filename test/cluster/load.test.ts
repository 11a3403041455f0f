import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { type ApiClient, makeApiClient, makeKubernetesCluster } from '../../operator/cluster/kubernetes.ts';
import { startOperator } from '../../operator/operator.ts';
import { makeRuntimeMetrics } from '../../operator/runtime/metrics.ts';
import { makeTestDatabase, type TestDatabase } from '../database.ts';
import { until } from '../until.ts';
import type { ApiServer } from './api-server.ts';
import { kubeConfigOf, log, skip, startServerWithKinds } from './cluster-under-test.ts';
import { binding, makeHands, organization, persona, secret } from './resources.ts';

const personas = 1_000;
const bindings = 200;

describe('a thousand personas and two hundred keys', { skip }, () => {
  const releasers: (() => Promise<unknown>)[] = [];
  let server: ApiServer;
  let database: TestDatabase;
  let users: ApiClient;

  before(async () => {
    database = await makeTestDatabase();
    releasers.push(() => database.close());
    server = await startServerWithKinds();
    releasers.push(() => server.close());
    users = makeApiClient({ kubeConfig: kubeConfigOf(server) });
    releasers.push(() => users.close());
  });
  after(async () => {
    for (const release of releasers.toReversed()) await release();
  });

  /** An operator of its own caches, with its requests counted by method. */
  const start = async () => {
    const requests = new Map<string, number>();
    const client = makeApiClient({
      kubeConfig: kubeConfigOf(server),
      onAnswer: (_, { method }) => requests.set(method, (requests.get(method) ?? 0) + 1),
    });
    const registry = new Registry();
    const cluster = makeKubernetesCluster({ client, namespace: 'default', log });
    await cluster.start();
    const metrics = makeRuntimeMetrics(registry);
    const options = { cluster, namespace: 'default', databaseUrl: database.url, concurrency: 8, metrics, log };
    const operator = await startOperator(options);
    const stop = async () => {
      await operator.stop();
      await cluster.close();
      await client.close();
    };
    return { cluster, operator, requests, registry, stop };
  };

  test('become Ready, and a restart writes nothing', async (t) => {
    const hands = makeHands(users);
    await hands.change('Namespace', 'default', { metadata: { labels: { org: 'acme' } } });
    const first = await start();
    await hands.create('Organization', 'acme', organization());
    await hands.untilReason('Organization', 'acme', 'Ready');
    await hands.create('Secret', 'default/openai', secret({ key: 'sk-1' }));

    const startedAtMs = performance.now();
    const names = Array.from({ length: personas }, (_, index) => `p${index}`);
    const keys = Array.from({ length: bindings }, (_, index) => `k${index}`);
    await inParallel(16, [
      ...names.map((name) => () => hands.create('Persona', `default/${name}`, persona({ name }))),
      ...keys.map((name) => () => hands.create('ApiKeyBinding', `default/${name}`, binding({ user: name }))),
    ]);
    const createdMs = performance.now() - startedAtMs;
    const isReady = (kind: 'Persona' | 'ApiKeyBinding') => () =>
      first.cluster.list(kind).every(({ status }) => status?.conditions?.some(({ reason }) => reason === 'Ready'));
    await until(() => isReady('Persona')() && isReady('ApiKeyBinding')(), 'all to be Ready', 60_000);
    assert.equal(first.cluster.list('Persona').length, personas);
    const readyMs = performance.now() - startedAtMs;
    await until(() => first.cluster.get('Organization', '', 'acme')?.status?.boundKeys === bindings);
    await first.operator.idle();
    t.diagnostic(`created in ${Math.round(createdMs)} ms, all Ready in ${Math.round(readyMs)} ms`);
    t.diagnostic(`requests: ${JSON.stringify(Object.fromEntries(first.requests))}`);
    const reconciled = await first.registry.getSingleMetricAsString('controller_runtime_reconcile_total');
    t.diagnostic(
      reconciled
        .split('\n')
        .filter((line) => line.includes('success'))
        .join(' '),
    );
    assert.match(reconciled, /reconcile_total\{controller="persona",result="error"\} 0/);
    await first.stop();

    const restartedAtMs = performance.now();
    const second = await start();
    await second.operator.idle();
    t.diagnostic(`restart to steady in ${Math.round(performance.now() - restartedAtMs)} ms`);
    assert.deepEqual([...second.requests.keys()], ['GET'], 'a restart only reads');
    await second.stop();
  });
});

async function inParallel(width: number, tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...tasks];
  const work = async () => {
    for (let task = left.shift(); task; task = left.shift()) await task();
  };
  await Promise.all(Array.from({ length: width }, work));
}
