import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { type ApiClient, makeApiClient, makeKubernetesCluster } from '../../operator/cluster/kubernetes.ts';
import { currentSidecar } from '../../operator/injection/current.ts';
import { defaultSidecar, type InjectionSettings } from '../../operator/injection/settings.ts';
import { startOperator } from '../../operator/operator.ts';
import { makeFindInadmissible } from '../../operator/sidecars/admissible.ts';
import { startFleet } from '../../operator/sidecars/fleet.ts';
import { makeFindPod, makeWorkloads } from '../../operator/sidecars/workloads.ts';
import { makeTestDatabase } from '../database.ts';
import { makeOrganization } from '../operator/memory-cluster.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { kubeConfigOf, log, skip, startServerWithKinds } from './cluster-under-test.ts';
import { type Hands, makeHands, organization } from './resources.ts';

const operatorNamespace = 'governance';
const settings: InjectionSettings = { ...defaultSidecar, operatorNamespace, image: 'chaperone:now' };
const workloads = '/apis/apps/v1/namespaces/web/deployments';
const pods = '/api/v1/namespaces/web/pods';

describe('outdated sidecars', { skip }, () => {
  const scope = suiteScope();
  const registry = new Registry();
  let client: ApiClient;
  let hands: Hands;

  before(async () => {
    const database = await makeTestDatabase();
    scope.after(() => database.close());
    const server = await startServerWithKinds();
    scope.after(() => server.close());
    client = makeApiClient({ kubeConfig: kubeConfigOf(server) });
    scope.after(() => client.close());
    hands = makeHands(client);
    await hands.create('Namespace', operatorNamespace);
    await hands.create('Namespace', 'web', {}, { labels: { org: 'acme' } });
    await hands.create('Organization', 'acme', organization());
    const cluster = makeKubernetesCluster({ client, namespace: operatorNamespace, log });
    scope.after(() => cluster.close());
    await cluster.start();
    const observer = { listed: () => {}, watched: () => {} };
    const fleet = startFleet({ cluster, client, settings, observer, registry, log });
    scope.after(() => fleet.stop());
    const operator = await startOperator({
      ...{ cluster, namespace: operatorNamespace, databaseUrl: database.url, log },
      sidecars: {
        fleet,
        workloads: makeWorkloads(client),
        findInadmissible: makeFindInadmissible(makeFindPod(client)),
        rollsFromMs: 0,
      },
    });
    scope.after(() => operator.stop());
    await hands.untilReason('Organization', 'acme', 'Ready');
  });

  test('are reported with their workloads, and rolled one after another where the Organization says so', async () => {
    for (const name of ['api', 'worker']) await createDeployment(name);
    // The one that ends comes first: with the last of them, all are seen as they are.
    await createPod('import-0', 'of-yesterday', ofJob('import'));
    await client.send({
      method: 'PATCH',
      path: `${pods}/import-0/status`,
      ...merge({ status: { phase: 'Succeeded' } }),
    });
    await createPod('api-1', 'of-yesterday', ofReplicaSet('api'));
    await createPod('api-2', undefined, ofReplicaSet('api'));
    await createPod('worker-1', 'of-yesterday', ofReplicaSet('worker'));
    await createPod('import-1', 'of-yesterday', ofJob('import'));

    const reported = await untilSidecars('Outdated', 3);
    assert.match(
      reported.message,
      /: 3, of Deployment web\/api \(1\), Deployment web\/worker \(1\), Job web\/import \(1\)\./,
    );
    const metrics = await registry.metrics();
    assert.match(metrics, /chaperone_sidecars\{organization="acme",namespace="web",state="outdated"\} 3/);
    assert.match(metrics, /chaperone_sidecars\{organization="acme",namespace="web",state="current"\} 1/);
    assert.deepEqual(await untilEvent('Outdated'), { kind: 'Organization', name: 'acme', type: 'Warning' });
    assert.equal(await rolledTo('api'), undefined, 'Report changes nothing');

    await hands.change('Organization', 'acme', { spec: { sidecars: { rollout: 'Roll' } } });
    await untilSidecars('Rolling', 3);
    assert.equal(await rolledTo('api'), currentHash('api-1', ofReplicaSet('api')));
    // Its controller has not even seen the change: this is looked at every few seconds.
    await createPod('worker-2', 'of-yesterday', ofReplicaSet('worker'));
    await untilSidecars('Rolling', 4);
    assert.equal(await rolledTo('worker'), undefined, 'one at a time');

    await completeRollout('api');
    await replacePod('api-1', 'api-3', ofReplicaSet('api'));
    await until(() => rolledTo('worker'), 'the next one to be rolled');
    await completeRollout('worker');
    await replacePod('worker-1', 'worker-3', ofReplicaSet('worker'));
    await replacePod('worker-2', 'worker-4', ofReplicaSet('worker'));

    const rest = await untilSidecars('Outdated', 1);
    assert.match(rest.message, /: 1, of Job web\/import \(1\)\. None is rolled now: Job web\/import is a Job, which/);
    await client.send({ method: 'DELETE', path: `${pods}/import-1?gracePeriodSeconds=0` });
    await untilSidecars('Current', 0);
    assert.deepEqual(await untilEvent('SidecarsRolled'), { kind: 'Organization', name: 'acme', type: 'Normal' });
  });

  test('are not rolled where that did not help, nor during another rollout', async () => {
    await createDeployment('stubborn', { 'chaperone.dev/rolled-to': currentHash('x', ofReplicaSet('stubborn')) });
    await createPod('stubborn-1', 'of-yesterday', ofReplicaSet('stubborn'));
    await createDeployment('changing');
    const path = `${workloads}/changing`;
    await client.send({ method: 'PATCH', path, ...merge({ spec: { minReadySeconds: 1 } }) });
    const before = await generationOf('changing');
    await createPod('changing-1', 'of-yesterday', ofReplicaSet('changing'));
    await untilSidecars('Outdated', 2);
    assert.equal(await rolledTo('changing'), undefined);
    assert.equal(await generationOf('changing'), before);
  });

  test('are reported and not rolled where their pods would be refused', async () => {
    await createDeployment('sharing');
    const mount = { name: 'chaperone-credentials', mountPath: '/etc/chaperone/credentials' };
    await createPod('sharing-1', 'of-yesterday', ofReplicaSet('sharing'), {
      shareProcessNamespace: true,
      initContainers: [{ name: 'chaperone-proxy', image: 'chaperone', restartPolicy: 'Always', volumeMounts: [mount] }],
      volumes: [{ name: 'chaperone-credentials', secret: { secretName: 'chaperone-acme' } }],
    });
    const { message } = await untilSidecars('Inadmissible', 3);
    assert.match(message, /change the templates.*Deployment web\/sharing: The pod sets spec\.shareProcessNamespace/);
    assert.equal(await rolledTo('sharing'), undefined);
    await client.send({ method: 'DELETE', path: `${pods}/sharing-1?gracePeriodSeconds=0` });
    await untilSidecars('Outdated', 2);
  });

  async function untilSidecars(reason: string, outdated: number): Promise<{ readonly message: string }> {
    return until(async () => {
      const { status } = await client.send<OrganizationBody>({
        method: 'GET',
        path: '/apis/chaperone.dev/v1alpha1/organizations/acme',
      });
      const condition = status?.conditions.find(({ type }) => type === 'SidecarsCurrent');
      return condition?.reason === reason && status?.outdatedSidecars === outdated && condition;
    }, `${outdated} sidecars to be ${reason}`);
  }

  function untilEvent(reason: string) {
    const path = '/apis/events.k8s.io/v1/namespaces/default/events';
    return until(async () => {
      const { items } = await client.send<{ items: EventBody[] }>({ method: 'GET', path });
      const event = items.find((one) => one.reason === reason);
      return event && { kind: event.regarding.kind, name: event.regarding.name, type: event.type };
    }, `the Event ${reason}`);
  }

  async function readDeployment(name: string): Promise<DeploymentBody> {
    return client.send<DeploymentBody>({ method: 'GET', path: `${workloads}/${name}` });
  }
  async function rolledTo(name: string): Promise<string | undefined> {
    return (await readDeployment(name)).spec.template.metadata.annotations?.['chaperone.dev/rolled-to'];
  }
  async function generationOf(name: string): Promise<number> {
    return (await readDeployment(name)).metadata.generation;
  }

  /** Here is no controller: its part is played by the test. */
  async function completeRollout(name: string): Promise<void> {
    const status = {
      observedGeneration: await generationOf(name),
      ...{ replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
    };
    await client.send({ method: 'PATCH', path: `${workloads}/${name}/status`, ...merge({ status }) });
  }

  async function createDeployment(name: string, annotations: Record<string, string> = {}): Promise<void> {
    const labels = { app: name };
    const spec = { containers: [{ name: 'app', image: 'app' }] };
    const body = {
      metadata: { name },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec } },
    };
    await client.send({ method: 'POST', path: workloads, body });
    await completeRollout(name);
  }

  /** @param stamp what the pod's sidecar was made of; by default what it would be made of now */
  async function createPod(name: string, stamp: string | undefined, owned: Owned, spec: object = {}): Promise<void> {
    const annotations = { 'chaperone.dev/injected-hash': stamp ?? currentHash(name, owned) };
    const { ownerReferences, labels } = owned;
    const metadata = { name, ownerReferences, annotations, labels: { ...labels, 'chaperone.dev/injected': 'true' } };
    await client.send({
      method: 'POST',
      path: pods,
      body: { metadata, spec: { containers: [{ name: 'app', image: 'app' }], ...spec } },
    });
  }

  async function replacePod(before: string, after: string, owned: Owned): Promise<void> {
    await client.send({ method: 'DELETE', path: `${pods}/${before}?gracePeriodSeconds=0` });
    await createPod(after, undefined, owned);
  }
});

interface Owned {
  readonly ownerReferences: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller: boolean;
  }[];
  readonly labels: Readonly<Record<string, string>>;
}

function ofReplicaSet(deployment: string): Owned {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${deployment}-5d4f`, uid: 'uid', controller: true };
  return { ownerReferences: [owner], labels: { app: deployment, 'pod-template-hash': '5d4f' } };
}

function ofJob(name: string): Owned {
  return { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: 'uid', controller: true }], labels: {} };
}

function currentHash(name: string, owned: Owned): string {
  const status = { id: '00000000-0000-4000-8000-000000000000', memberNamespaces: ['web'] };
  const acme = makeOrganization('acme', { namespaceSelector: {} }, { status });
  const current = currentSidecar({ name, ...owned }, { name: 'web' }, [acme], settings);
  assert.ok('hash' in current);
  return current.hash;
}

function merge(body: object) {
  return { contentType: 'application/merge-patch+json', body };
}

interface OrganizationBody {
  readonly status?: {
    readonly outdatedSidecars?: number;
    readonly conditions: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
  };
}

interface EventBody {
  readonly reason: string;
  readonly type: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

interface DeploymentBody {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly template: { readonly metadata: { readonly annotations?: Record<string, string> } } };
}
