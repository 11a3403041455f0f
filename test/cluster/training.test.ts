import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { makeEnvelope } from '../../database/envelope.ts';
import { insertDeployment, listDeployments, requestUndeploy } from '../../database/training/deployments.ts';
import {
  findTrainingJob,
  insertTrainingJob,
  requestTrainingCancel,
  type TrainingOrder,
  type TrainingStatus,
} from '../../database/training/jobs.ts';
import { sealServingKey } from '../../database/training/serving-key.ts';
import { isNotFound } from '../../operator/cluster/kubernetes/api-error.ts';
import { type ApiClient, makeApiClient } from '../../operator/cluster/kubernetes.ts';
import { makeTrainingObjects, type TrainingKind, trainingKinds } from '../../operator/training/objects.ts';
import { repository } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { addKind, inferenceServiceDefinition, readTrainJobDefinition } from './foreign-kinds.ts';
import { decode, organization } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

const namespace = 'acme-training';
const training = {
  namespace,
  instanceTypes: [
    { name: 'small' },
    { name: 'gpu', nodeSelector: { gpu: 'yes' }, resources: { limits: { 'nvidia.com/gpu': '1' } } },
  ],
  modelStore: 's3://acme-models/',
  dataStores: ['pvc://datasets/'],
  trainers: [{ baseModel: 'other', image: 'registry.example/trainer:1', command: ['torchrun', 'train.py'] }],
  s3: { endpoint: 'http://s3.example:9000', secretName: 's3' },
  maxJobs: 2,
};

describe('training in a cluster', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let organizationId: string;
  let envelope: ReturnType<typeof makeEnvelope>;
  /** Which kinds a cluster has is remembered for a minute. */
  let aheadMs = 0;

  const pathOf = (kind: TrainingKind, name: string) =>
    `${trainingKinds[kind].group}/namespaces/${namespace}/${trainingKinds[kind].plural}/${name}`;
  const find = async (kind: TrainingKind, name: string) => {
    try {
      // biome-ignore lint/suspicious/noExplicitAny: an API object of any kind.
      return await stage.client.send<any>({ method: 'GET', path: pathOf(kind, name) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  const untilMade = (kind: TrainingKind, name: string) => until(() => find(kind, name), `${kind} ${name}`);
  /** What a controller would report. */
  const report = (kind: TrainingKind, name: string, status: object) =>
    stage.client.send({
      ...{ method: 'PATCH', path: `${pathOf(kind, name)}/status`, contentType: 'application/merge-patch+json' },
      body: { status },
    });
  let count = 0;
  const order = async (changes: Partial<TrainingOrder> = {}): Promise<string> => {
    count += 1;
    const jobId = `train-2026-11-30-${String(count).padStart(10, '0')}`;
    await insertTrainingJob(stage.db, organizationId, {
      ...{ jobId, baseModel: 'customerai-classifier', hyperparameters: { epochs: 3 }, instanceCount: 2 },
      ...{ trainingDataUri: 'pvc://datasets/train.csv', validationDataUri: null, instanceType: 'gpu' },
      modelOutputUri: `s3://acme-models/${jobId}/`,
      ...changes,
    });
    return jobId;
  };
  const untilJob = async (jobId: string, status: TrainingStatus, message = /^/) => {
    let last = '';
    const look = async () => {
      const job = await findTrainingJob(stage.db, organizationId, jobId);
      last = `${job?.status}: ${job?.message}`;
      return job?.status === status && message.test(job.message ?? '') && job;
    };
    return until(look, `${jobId} to be ${status}`, 20_000).catch((cause) => {
      throw new Error(`It is ${last}`, { cause });
    });
  };
  const untilTraining = (reason: string) =>
    until(async () => {
      const found = await stage.hands.find('Organization', 'acme');
      return found?.status?.conditions?.find((one) => one.type === 'TrainingReady' && one.reason === reason);
    }, `TrainingReady to be ${reason}`);
  const makePod = async (name: string, labels: object, status: object) => {
    const containers = [{ name: 'trainer', image: 'x' }];
    await stage.client.send({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      body: { metadata: { name, labels }, spec: { containers } },
    });
    await stage.client.send({
      ...{ method: 'PATCH', path: `/api/v1/namespaces/${namespace}/pods/${name}/status` },
      ...{ contentType: 'application/merge-patch+json', body: { status } },
    });
  };
  const removePod = (name: string) =>
    stage.client.send({
      method: 'DELETE',
      path: `/api/v1/namespaces/${namespace}/pods/${name}`,
      body: { gracePeriodSeconds: 0 },
    });

  before(async () => {
    stage = await setStage(scope);
    await stage.hands.create('Organization', 'acme', organization({ training }));
    const client = await makeOperatorClient(stage);
    scope.after(() => client.close());
    await stage.startOperator({
      training: {
        objects: makeTrainingObjects(client, () => Date.now() + aheadMs),
        settings: { image: 'chaperone:now', namespaces: [namespace] },
      },
      trainingMs: 50,
    });
    await untilTraining('TrainingNamespaceMissing');
    await stage.hands.create('Namespace', namespace);
    const { message } = await untilTraining('TrainingNamespaceNotPermitted');
    assert.match(message, /kubectl label namespace acme-training chaperone\.dev\/training-of=acme/);
    await grant(stage);
    await stage.hands.change('Namespace', namespace, { metadata: { labels: { 'chaperone.dev/training-of': 'acme' } } });
    await untilTraining('TrainingReady');
    organizationId = (await stage.hands.find('Organization', 'acme'))?.status?.id ?? '';
    const credentials = await stage.hands.find('Secret', `${governance}/chaperone-acme`);
    envelope = makeEnvelope(JSON.parse(decode(credentials, 'data-keys.json')));
  });

  test('makes an Indexed Job with torchrun’s environment, and a headless Service that goes with it', async () => {
    const jobId = await order();
    const job = await untilMade('Job', jobId);
    assert.deepEqual([job.spec.completionMode, job.spec.completions, job.spec.parallelism], ['Indexed', 2, 2]);
    const { spec } = job.spec.template;
    assert.deepEqual(
      [spec.nodeSelector, spec.subdomain, spec.automountServiceAccountToken],
      [{ gpu: 'yes' }, jobId, false],
    );
    const [container] = spec.containers;
    assert.deepEqual([container.image, container.args], ['chaperone:now', ['trainer', 'train']]);
    const values = Object.fromEntries(
      container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
    );
    assert.equal(values.MASTER_ADDR, `${jobId}-0.${jobId}`);
    assert.deepEqual([values.MASTER_PORT, values.WORLD_SIZE, values.PET_NNODES], ['29500', '2', '2']);
    assert.equal(values.TRAINING_DATA_URI, 'file:///mnt/stores/datasets/train.csv');
    assert.equal(values.CHECKPOINT_URI, `s3://acme-models/${jobId}/checkpoints/`);
    assert.equal(values.AWS_ENDPOINT_URL, 'http://s3.example:9000');
    const rank = container.env.find(({ name }: { name: string }) => name === 'RANK');
    assert.match(rank.valueFrom.fieldRef.fieldPath, /job-completion-index/);
    const mount = container.volumeMounts.find(({ mountPath }: { mountPath: string }) => mountPath.endsWith('datasets'));
    assert.equal(mount.readOnly, true);
    const service = await untilMade('Service', jobId);
    assert.deepEqual([service.spec.clusterIP, service.spec.publishNotReadyAddresses], ['None', true]);
    assert.equal(service.metadata.ownerReferences[0].uid, job.metadata.uid);

    await makePod(
      'first',
      { 'chaperone.dev/training-job': jobId },
      {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes have a GPU' }],
      },
    );
    await untilJob(jobId, 'STARTING', /Pod first waits: 0\/3 nodes have a GPU/);
    await removePod('first');
    await makePod('again', { 'chaperone.dev/training-job': jobId }, { phase: 'Running' });
    await untilJob(jobId, 'IN_PROGRESS');
    await removePod('again');
    await report('Job', jobId, {
      ...{ startTime: '2026-11-30T00:00:00Z', completionTime: '2026-11-30T00:01:00Z', succeeded: 2 },
      conditions: [
        { type: 'SuccessCriteriaMet', status: 'True' },
        { type: 'Complete', status: 'True' },
      ],
    });
    await untilJob(jobId, 'COMPLETED');
  });

  test('runs any image, and tells why a job has failed', async () => {
    const jobId = await order({ baseModel: 'other', instanceType: 'small', hyperparameters: { lora: true } });
    const { spec } = (await untilMade('Job', jobId)).spec.template;
    assert.deepEqual(
      [spec.containers[0].image, spec.containers[0].command],
      ['registry.example/trainer:1', ['torchrun', 'train.py']],
    );
    const failed = { status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the backoff limit' };
    await report('Job', jobId, {
      startTime: '2026-11-30T00:00:00Z',
      conditions: [
        { type: 'FailureTarget', ...failed },
        { type: 'Failed', ...failed },
      ],
    });
    await untilJob(jobId, 'FAILED', /backoff limit/);
  });

  test('starts no more jobs than the quota, and cancels', async () => {
    const [first, second, third] = [await order(), await order(), await order()];
    await untilMade('Job', second);
    await untilJob(third, 'STARTING', /waits until one of 2 other jobs/);
    assert.equal(await find('Job', third), undefined);
    await makePod('runs', { 'chaperone.dev/training-job': first }, { phase: 'Running' });
    await untilJob(first, 'IN_PROGRESS');
    await requestTrainingCancel(stage.db, organizationId, first);
    await untilJob(first, 'CANCELLING');
    assert.equal(await find('Job', first), undefined);
    await removePod('runs');
    await untilJob(first, 'CANCELLED');
    await untilMade('Job', third);
    for (const jobId of [second, third]) {
      await requestTrainingCancel(stage.db, organizationId, jobId);
      await untilJob(jobId, 'CANCELLED');
    }
  });

  test('makes nothing of a row that the Organization does not allow', async () => {
    const outside = await order({ trainingDataUri: 's3://acme-secrets/all.csv' });
    await untilJob(outside, 'FAILED', /in none of spec\.training\.dataStores/);
    const huge = await order({ instanceCount: 9 });
    await untilJob(huge, 'FAILED', /maxInstances/);
    const elsewhere = await order({ modelOutputUri: 's3://acme-secrets/x/' });
    await untilJob(elsewhere, 'FAILED', /outside of spec\.training\.modelStore/);
    for (const jobId of [outside, huge, elsewhere]) assert.equal(await find('Job', jobId), undefined);
  });

  test('serves a model, scales it, rolls it, and takes it away', async () => {
    const deploymentId = 'deploy-2026-11-30-0000000001';
    const place = { organizationId, deploymentId };
    await insertDeployment(stage.db, organizationId, {
      ...{ deploymentId, keyId: randomUUID(), name: 'sentiment', modelUri: 's3://acme-models/m/', baseModel: null },
      ...{ replicas: 3, resources: { cpu: '2', memory: '4Gi', gpu: '1' } },
      autoScaling: { minReplicas: 2, maxReplicas: 5, targetUtilization: 60 },
      keySealed: sealServingKey(envelope, place, 'the key of its pods'),
    });
    const untilDeployed = (status: string) =>
      until(async () => {
        const [row] = await listDeployments(stage.db, organizationId);
        return row?.status === status && row;
      }, `the deployment to be ${status}`);
    const name = 'serve-sentiment';
    const made = await untilMade('Deployment', name);
    assert.equal(made.spec.replicas, 3);
    const [container] = made.spec.template.spec.containers;
    assert.deepEqual(container.args, ['trainer', 'serve', '--port', '8080']);
    assert.deepEqual(container.resources.limits, { memory: '4Gi', 'nvidia.com/gpu': '1' });
    const { secretKeyRef } = container.env.find((one: { name: string }) => one.name === 'SERVING_TOKEN').valueFrom;
    const secret = await stage.hands.find('Secret', `${namespace}/${secretKeyRef.name}`);
    assert.equal(decode(secret, secretKeyRef.key), 'the key of its pods');
    const scaler = await untilMade('HorizontalPodAutoscaler', name);
    assert.deepEqual([scaler.spec.minReplicas, scaler.spec.maxReplicas], [2, 5]);
    await untilMade('Service', name);
    await untilDeployed('CREATING');
    const ready = async (generation: number) => {
      const { replicas } = (await find('Deployment', name)).spec;
      const counts = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
      await report('Deployment', name, { ...counts, observedGeneration: generation });
    };
    await ready(1);
    const { address, readyReplicas } = await untilDeployed('IN_SERVICE');
    assert.deepEqual([address, readyReplicas], [`http://${name}.${namespace}.svc:8080/v1`, 3]);

    await stage.db.query(
      `update chaperone.model_deployments set model_uri = 's3://acme-models/next/', replicas = 1, min_replicas = null,
         max_replicas = null, target_utilization = null where deployment_id = $1`,
      [deploymentId],
    );
    await untilDeployed('UPDATING');
    await until(async () => !(await find('HorizontalPodAutoscaler', name)), 'the autoscaler to go');
    const rolled = await find('Deployment', name);
    assert.deepEqual([rolled.spec.replicas, rolled.spec.strategy.rollingUpdate.maxUnavailable], [1, 0]);
    await ready(rolled.metadata.generation);
    await untilDeployed('IN_SERVICE');

    await requestUndeploy(stage.db, organizationId, deploymentId);
    await until(async () => (await listDeployments(stage.db, organizationId)).length === 0, 'it to be deleted');
    for (const kind of ['Deployment', 'Service'] as const) assert.equal(await find(kind, name), undefined, kind);
    assert.equal(await stage.hands.find('Secret', `${namespace}/${secretKeyRef.name}`), undefined);
  });

  test('uses KServe where the cluster has it', async () => {
    await addKind(stage.server, inferenceServiceDefinition, '/apis/serving.kserve.io/v1beta1/inferenceservices');
    aheadMs += 61_000;
    const deploymentId = 'deploy-2026-11-30-0000000002';
    await insertDeployment(stage.db, organizationId, {
      ...{ deploymentId, keyId: randomUUID(), name: 'by-kserve', modelUri: 's3://acme-models/m/', baseModel: null },
      ...{ replicas: 2, resources: {}, autoScaling: null },
      keySealed: sealServingKey(envelope, { organizationId, deploymentId }, 'a key'),
    });
    const made = await untilMade('InferenceService', 'serve-by-kserve');
    assert.deepEqual([made.spec.predictor.minReplicas, made.spec.predictor.maxReplicas], [2, 2]);
    assert.equal(made.spec.predictor.containers[0].name, 'kserve-container');
    assert.equal(await find('Deployment', 'serve-by-kserve'), undefined);
    await report('InferenceService', 'serve-by-kserve', {
      conditions: [{ type: 'Ready', status: 'True' }],
      address: { url: 'http://serve-by-kserve-predictor.acme-training.svc.cluster.local' },
    });
    const row = await until(async () => {
      const [found] = await listDeployments(stage.db, organizationId);
      return found?.status === 'IN_SERVICE' && found;
    }, 'it to be in service');
    assert.equal(row.address, 'http://serve-by-kserve-predictor.acme-training.svc.cluster.local/v1');
    await requestUndeploy(stage.db, organizationId, deploymentId);
    await until(async () => !(await find('InferenceService', 'serve-by-kserve')), 'it to go');
  });

  test('uses Kubeflow’s TrainJob where the cluster has it', async (t) => {
    const definition = await readTrainJobDefinition();
    if (!definition) return t.skip('needs Go, for the definition in the module of Kubeflow Trainer');
    await addKind(stage.server, definition, '/apis/trainer.kubeflow.org/v1alpha1/trainjobs');
    aheadMs += 61_000;
    const jobId = await order();
    await untilJob(jobId, 'STARTING', /being made/);
    const made = await untilMade('TrainJob', jobId);
    assert.equal(made.spec.runtimeRef.name, 'torch-distributed');
    const { trainer } = made.spec;
    assert.deepEqual([trainer.numNodes, trainer.numProcPerNode, trainer.image], [2, 1, 'chaperone:now']);
    assert.deepEqual(
      [trainer.command, trainer.args],
      [
        ['node', '/app/chaperone.js'],
        ['trainer', 'train'],
      ],
    );
    const reserved = trainer.env.filter(({ name }: { name: string }) =>
      /^PET_|^MASTER_|^RANK$|^WORLD_SIZE$/.test(name),
    );
    assert.deepEqual(reserved, [], 'its runtime sets these');
    assert.equal(await find('Job', jobId), undefined);
    const condition = {
      status: 'True',
      reason: 'JobsCompleted',
      message: 'jobset completed',
      lastTransitionTime: '2026-11-30T00:00:00Z',
    };
    await report('TrainJob', jobId, { conditions: [{ type: 'Complete', ...condition }] });
    await untilJob(jobId, 'COMPLETED');
  });
});

/** With the rights that the chart gives, and no others. */
async function makeOperatorClient({ server, client }: Stage): Promise<ApiClient> {
  const account = `/api/v1/namespaces/${governance}/serviceaccounts`;
  await client.send({ method: 'POST', path: account, body: { metadata: { name: 'chaperone' } } });
  const { status } = await client.send<{ status: { token: string } }>({
    ...{ method: 'POST', path: `${account}/chaperone/token`, body: { spec: {} } },
  });
  // The ClusterRole lets it list pods.
  await bind(client, '', [{ apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }]);
  return makeApiClient({ kubeConfig: kubeConfigOf({ ...server, token: status.token }) });
}

async function grant({ client }: Stage): Promise<void> {
  const text = await readFile(join(repository, 'charts/chaperone/templates/operator/training-roles.yaml'), 'utf8');
  const plain = text
    .split('\n')
    .filter((line) => !/^\s*\{\{/.test(line))
    .join('\n')
    .replaceAll(/\{\{.*?\}\}/g, 'x');
  const [, role = ''] = plain.split(/^---$/m);
  await bind(client, namespace, parse(role).rules);
}

async function bind(client: ApiClient, where: string, rules: readonly object[]): Promise<void> {
  const group = '/apis/rbac.authorization.k8s.io/v1';
  const [kind, path] = where === '' ? ['ClusterRole', group] : ['Role', `${group}/namespaces/${where}`];
  const metadata = { name: 'chaperone-training' };
  await client.send({ method: 'POST', path: `${path}/${kind.toLowerCase()}s`, body: { metadata, rules } });
  await client.send({
    method: 'POST',
    path: `${path}/${kind.toLowerCase()}bindings`,
    body: {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: 'chaperone', namespace: governance }],
    },
  });
}
