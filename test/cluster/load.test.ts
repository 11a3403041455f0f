import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import { Registry } from 'prom-client';
import { type ApiClient, makeApiClient, makeKubernetesCluster } from '../../operator/cluster/kubernetes.ts';
import { startOperator } from '../../operator/operator.ts';
import { makeRuntimeMetrics } from '../../operator/runtime/metrics.ts';
import { makeTestDatabase, type TestDatabase } from '../database.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import type { ApiServer } from './api-server.ts';
import { kubeConfigOf, log, skip, startServerWithKinds } from './cluster-under-test.ts';
import { binding, inParallel, makeHands, organization, persona, secret } from './resources.ts';

const personas = 1_000;
const bindings = 200;
/** The operator's: no organization has it. */
const namespace = 'governance';

describe('a thousand personas and two hundred keys', { skip }, () => {
  const scope = suiteScope();
  let server: ApiServer;
  let database: TestDatabase;
  let users: ApiClient;

  before(async () => {
    database = await makeTestDatabase();
    scope.after(() => database.close());
    server = await startServerWithKinds();
    scope.after(() => server.close());
    users = makeApiClient({ kubeConfig: kubeConfigOf(server) });
    scope.after(() => users.close());
  });

  /** An operator of its own caches, with its requests counted by method and resource. */
  const start = async (t: TestContext) => {
    const requests = new Map<string, number>();
    const client = makeApiClient({
      kubeConfig: kubeConfigOf(server),
      onAnswer: (_, { method, path }) => {
        const [, resource = path] = /\/v1(?:alpha1)?\/(?:namespaces\/[^/]+\/)?(.*)$/.exec(path) ?? [];
        const request = `${method} ${resource.replace(/\/[^/]+/, '/NAME')}`;
        requests.set(request, (requests.get(request) ?? 0) + 1);
      },
    });
    const registry = new Registry();
    const cluster = makeKubernetesCluster({ client, namespace, log });
    await cluster.start();
    const metrics = makeRuntimeMetrics(registry);
    const rulesMs = { period: 500, write: 60_000 };
    const options = { cluster, namespace, databaseUrl: database.url, concurrency: 8, metrics, log, rulesMs };
    const operator = await startOperator(options);
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= operator.stop().then(cluster.close).then(client.close);
      return stopped;
    };
    atEnd(t, stop);
    const countReconciled = async (kind: string, result = 'success') => {
      const { values = [] } = (await registry.getSingleMetric('controller_runtime_reconcile_total')?.get()) ?? {};
      return values.find(({ labels }) => labels.controller === kind && labels.result === result)?.value;
    };
    return { cluster, operator, requests, registry, countReconciled, stop };
  };

  test('become Ready with one read and two writes each, and a restart writes nothing', async (t) => {
    const hands = makeHands(users);
    await hands.create('Namespace', namespace);
    await hands.change('Namespace', 'default', { metadata: { labels: { org: 'acme' } } });
    const first = await start(t);
    await hands.create('Organization', 'acme', organization({ sharing: [{ namespace: 'default', users: ['*'] }] }));
    await hands.untilReason('Organization', 'acme', 'Ready');
    await hands.create('Secret', 'default/openai', secret({ key: 'sk-1' }));
    await until(() => first.cluster.get('Organization', '', 'acme')?.status?.audit, 'the head of the audit log');
    await first.operator.idle();
    first.requests.clear();

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
    await until(() => isReady('Persona')() && isReady('ApiKeyBinding')(), 'all to be Ready', 240_000);
    assert.equal(first.cluster.list('Persona').length, personas);
    const readyMs = performance.now() - startedAtMs;
    await until(() => first.cluster.get('Organization', '', 'acme')?.status?.boundKeys === bindings);
    await first.operator.idle();
    t.diagnostic(`created in ${Math.round(createdMs)} ms, all Ready in ${Math.round(readyMs)} ms`);
    const { 'PUT organizations/NAME/status': counts = 0, ...writes } = writesOf(first.requests);
    assert.deepEqual(writes, {
      // Finalizer and status.
      'PATCH personas/NAME': personas,
      'PUT personas/NAME/status': personas,
      'PATCH apikeybindings/NAME': bindings,
      'PUT apikeybindings/NAME/status': bindings,
      'POST secrets': bindings,
    });
    assert.ok(counts < bindings, `the bindings were counted ${counts} times`);
    for (const [kind, count] of Object.entries({ persona: personas, apikeybinding: bindings })) {
      assert.equal(await first.countReconciled(kind), count);
      assert.equal(await first.countReconciled(kind, 'error'), 0);
    }
    const effects = await first.registry.getSingleMetricAsString('chaperone_reconcile_to_effect_seconds');
    assert.match(
      effects,
      new RegExp(`seconds_count{controller="persona"} ${personas}\\n`),
      'each row was written once',
    );
    assert.match(effects, /seconds_count{controller="organization"} 1\n/, 'and the organization’s when it was made');
    await first.stop();

    const restartedAtMs = performance.now();
    const second = await start(t);
    await second.operator.idle();
    t.diagnostic(`restart to steady in ${Math.round(performance.now() - restartedAtMs)} ms`);
    assert.equal(await second.countReconciled('persona'), personas);
    assert.deepEqual(writesOf(second.requests), {}, 'a restart only reads');
    await second.stop();
  });
});

function writesOf(requests: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...requests].filter(([request]) => !request.startsWith('GET ')));
}
