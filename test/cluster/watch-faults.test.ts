import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { ApiObject } from '../../operator/cluster/kubernetes/api-object.ts';
import { listAll } from '../../operator/cluster/kubernetes/list.ts';
import { defaultTimings, type ReflectorTimings } from '../../operator/cluster/kubernetes/reflector.ts';
import {
  type ApiClient,
  type KubernetesCluster,
  makeApiClient,
  makeKubernetesCluster,
} from '../../operator/cluster/kubernetes.ts';
import type { ReflectionObserver } from '../../operator/runtime/reflection.ts';
import { atEnd } from '../scope.ts';
import { startRelay } from '../tcp-relay.ts';
import { until } from '../until.ts';
import type { ApiServer } from './api-server.ts';
import { kubeConfigOf, log, skip, startServerWithKinds } from './cluster-under-test.ts';
import { type Hands, inParallel, makeHands, persona } from './resources.ts';

const timings: ReflectorTimings = { ...defaultTimings, backoffMs: [20, 200] };

describe('a mirror of the API server is complete', { skip }, () => {
  let server: ApiServer;
  let users: ApiClient;
  let hands: Hands;
  let count = 0;

  before(async () => {
    server = await startServerWithKinds();
    users = makeApiClient({ kubeConfig: kubeConfigOf(server) });
    hands = makeHands(users);
  });
  after(async () => {
    await users?.close();
    await server?.close();
  });

  /** A cluster behind the relay, and what its reflectors do. */
  const open = async (t: TestContext, changes: Partial<ReflectorTimings> = {}) => {
    const outcomes: string[] = [];
    const observer: ReflectionObserver = {
      listed: (name) => outcomes.push(`${name} listed`),
      watched: (name, outcome) => outcomes.push(`${name} ${outcome}`),
    };
    const relay = await startRelay(t, Number(new URL(server.url).port));
    const via = `https://127.0.0.1:${relay.port}`;
    const client = makeApiClient({ kubeConfig: kubeConfigOf(server, via), requestTimeoutMs: 5_000 });
    const cluster = makeKubernetesCluster({
      client,
      namespace: 'default',
      log,
      observer,
      timings: { ...timings, ...changes },
    });
    atEnd(t, async () => {
      await cluster.close();
      await client.close();
    });
    await cluster.start();
    return { cluster, outcomes, relay };
  };
  const create = async () => {
    count += 1;
    const name = `p${count}`;
    await hands.create('Persona', `default/${name}`, persona({ name }));
    return name;
  };
  const untilSeen = (cluster: KubernetesCluster, name: string) =>
    until(() => cluster.get('Persona', 'default', name), `${name} to be seen`);

  test('after connections were dropped, without listing anew', async (t) => {
    const { cluster, outcomes, relay } = await open(t);
    await untilSeen(cluster, await create());
    await relay.close();
    const gone = await create();
    await hands.remove('Persona', `default/${gone}`);
    const name = await create();
    await relay.open();
    await untilSeen(cluster, name);
    assert.equal(cluster.get('Persona', 'default', gone), undefined);
    assert.ok(outcomes.includes('Persona failed'));
    assert.equal(outcomes.filter((outcome) => outcome === 'Persona listed').length, 1);
  });

  test('after a watch fell silent', async (t) => {
    const { cluster, outcomes, relay } = await open(t, { silenceMs: 3_000 });
    await untilSeen(cluster, await create());
    relay.freeze();
    await untilSeen(cluster, await create());
    assert.ok(outcomes.includes('Persona failed'));
  });

  test('when watches end in their time', async (t) => {
    const { cluster, outcomes } = await open(t, { watchMs: [1_000, 1_000] });
    await until(() => outcomes.includes('Persona ended'), 'a watch to end');
    await untilSeen(cluster, await create());
    assert.equal(outcomes.filter((outcome) => outcome === 'Persona listed').length, 1);
  });

  test('after the API server was killed and came back, with what was deleted in between', async (t) => {
    const { cluster } = await open(t);
    const doomed = await create();
    await untilSeen(cluster, doomed);
    await server.kill();
    await server.restart();
    await hands.remove('Persona', `default/${doomed}`);
    await untilSeen(cluster, await create());
    await until(() => !cluster.get('Persona', 'default', doomed), 'the deletion');
  });

  test('after its past was compacted away, by listing anew', async (t) => {
    const { cluster, outcomes, relay } = await open(t);
    const doomed = await create();
    await untilSeen(cluster, doomed);
    await relay.close();
    await hands.remove('Persona', `default/${doomed}`);
    const name = await create();
    await compact(server, (await hands.find('Persona', `default/${name}`))?.metadata.resourceVersion ?? '');
    // The API server keeps a window of events of its own, which a restart empties.
    await server.kill();
    await server.restart();
    await relay.open();
    await untilSeen(cluster, name);
    await until(() => !cluster.get('Persona', 'default', doomed), 'the deletion');
    assert.ok(outcomes.includes('Persona expired'), outcomes.join(', '));
  });

  test('page by page, where there is much of it', async () => {
    const names = Array.from({ length: 1_100 }, (_, index) => `page-${index}`);
    await inParallel(
      16,
      names.map((name) => () => hands.create('ConfigMap', `default/${name}`)),
    );
    let pages = 0;
    const countPage = () => {
      pages += 1;
    };
    const counting = makeApiClient({ kubeConfig: kubeConfigOf(server), onAnswer: countPage });
    const path = '/api/v1/namespaces/default/configmaps';
    const listed = await listAll<ApiObject, string>(counting, { path, query: {} }, ({ metadata }) => metadata.name);
    await counting.close();
    assert.deepEqual(new Set(names).difference(new Set(listed.items)), new Set());
    assert.equal(pages, 3);
  });
});

/** Forgets every revision before this one. https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/ */
async function compact({ etcdUrl }: ApiServer, revision: string): Promise<void> {
  const answer = await fetch(`${etcdUrl}/v3/kv/compaction`, {
    method: 'POST',
    body: JSON.stringify({ revision, physical: true }),
  });
  assert.equal(answer.status, 200, await answer.text());
}
