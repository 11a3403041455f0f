import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { makeEnvelope } from '../../database/envelope.ts';
import {
  type DeploymentWrite,
  insertDeployment,
  listDeployments,
  requestUndeploy,
} from '../../database/training/deployments.ts';
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
import { servingSecretName } from '../../operator/credentials.ts';
import {
  makeTrainingObjects,
  type TrainingKind,
  type TrainingObjects,
  trainingKinds,
} from '../../operator/training/objects.ts';
import { repository } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { addKind, readInferenceServiceDefinition, readTrainJobDefinition, replaceKind } from './foreign-kinds.ts';
import { decode, organization } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

const namespace = 'acme-training';
const readyPod = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
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
  /** What the operator has read and written of such objects, in this order. */
  let operatorObjects: TrainingObjects;
  const reads: string[] = [];
  const writes: string[] = [];

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

  const watched = (objects: TrainingObjects): TrainingObjects => ({
    ...objects,
    find(kind, place) {
      reads.push(`${kind} ${place.name}`);
      return objects.find(kind, place);
    },
    apply(object) {
      writes.push(`${object.kind} ${object.metadata.name}`);
      return objects.apply(object);
    },
  });
  let served = 0;
  const serve = async (name: string, changes: Partial<DeploymentWrite> = {}): Promise<string> => {
    served += 1;
    const deploymentId = `deploy-2026-11-30-${String(served).padStart(10, '0')}`;
    await insertDeployment(stage.db, organizationId, {
      ...{ deploymentId, keyId: randomUUID(), name, modelUri: 's3://acme-models/m/', baseModel: null },
      ...{ replicas: 2, resources: {}, autoScaling: null },
      keySealed: sealServingKey(envelope, { organizationId, deploymentId }, 'the key of its pods'),
      ...changes,
    });
    return deploymentId;
  };
  const undeploy = async (deploymentId: string) => {
    await requestUndeploy(stage.db, organizationId, deploymentId);
    await until(async () => {
      const rows = await listDeployments(stage.db, organizationId);
      return rows.every((row) => row.deploymentId !== deploymentId);
    }, 'it to be deleted');
  };

  before(async () => {
    stage = await setStage(scope);
    await stage.hands.create('Organization', 'acme', organization({ training }));
    const client = await makeOperatorClient(stage);
    scope.after(() => client.close());
    operatorObjects = makeTrainingObjects(client, () => Date.now() + aheadMs);
    await stage.startOperator({
      training: {
        objects: watched(operatorObjects),
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

  test('tells what a quota of the namespace refuses, and goes on when it does not any more', async () => {
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    const hard = { 'count/jobs.batch': '0' };
    await stage.client.send({ method: 'POST', path, body: { metadata: { name: 'none' }, spec: { hard } } });
    // What the quota controller would do.
    await stage.client.send({
      ...{ method: 'PATCH', path: `${path}/none/status`, contentType: 'application/merge-patch+json' },
      body: { status: { hard, used: { 'count/jobs.batch': '0' } } },
    });
    const jobId = await order();
    await untilJob(jobId, 'STARTING', /The API server refuses it: .*exceeded quota: none/);
    await stage.client.send({ method: 'DELETE', path: `${path}/none`, body: {} });
    await untilMade('Job', jobId);
    await requestTrainingCancel(stage.db, organizationId, jobId);
    await untilJob(jobId, 'CANCELLED');
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
    const deploymentId = await serve('sentiment', {
      ...{ replicas: 3, resources: { cpu: '2', memory: '4Gi', gpu: '1' } },
      autoScaling: { minReplicas: 2, maxReplicas: 5, targetUtilization: 60 },
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

    await undeploy(deploymentId);
    for (const kind of ['Deployment', 'Service'] as const) assert.equal(await find(kind, name), undefined, kind);
    assert.equal(await stage.hands.find('Secret', `${namespace}/${secretKeyRef.name}`), undefined);
  });

  test('puts back what somebody has changed or deleted of a deployment', async () => {
    const name = 'serve-kept';
    const deploymentId = await serve('kept', {
      autoScaling: { minReplicas: 2, maxReplicas: 5, targetUtilization: 60 },
    });
    const kinds = ['Service', 'Deployment', 'HorizontalPodAutoscaler'] as const;
    for (const kind of kinds) await untilMade(kind, name);
    const change = (kind: TrainingKind, body: object) =>
      stage.client.send({
        ...{ method: 'PATCH', path: pathOf(kind, name), contentType: 'application/merge-patch+json', body },
      });
    // biome-ignore lint/suspicious/noExplicitAny: the spec of any kind.
    const untilBack = (kind: TrainingKind, what: string, is: (spec: any) => unknown) =>
      until(async () => is((await find(kind, name))?.spec ?? {}), `${what} of the ${kind} to be back`);

    const containers = [{ name: 'server', image: 'registry.example/other:1' }];
    await change('Deployment', { spec: { template: { spec: { containers } } } });
    await untilBack('Deployment', 'the image', ({ template }) => {
      const [container] = template?.spec.containers ?? [];
      return container?.image === 'chaperone:now' && container.args;
    });
    await change('HorizontalPodAutoscaler', { spec: { maxReplicas: 50 } });
    await untilBack('HorizontalPodAutoscaler', 'the bound', ({ maxReplicas }) => maxReplicas === 5);
    await change('Service', { spec: { selector: { 'chaperone.dev/served-model': 'another' } } });
    await untilBack('Service', 'the selector', ({ selector }) => selector?.['chaperone.dev/served-model'] === 'kept');
    await change('Deployment', { metadata: { ownerReferences: null } });
    await until(async () => (await find('Deployment', name)).metadata.ownerReferences, 'the owner to be back');
    await change('Deployment', { spec: { replicas: 0 } });
    await untilBack('Deployment', 'the least number of pods', ({ replicas }) => replicas === 2);

    // What an autoscaler does, and what somebody adds, is no change of what is wanted.
    await change('Deployment', { spec: { replicas: 4 }, metadata: { labels: { team: 'green' } } });
    const first = writes.length;
    const rounds = reads.length + 4 * kinds.length;
    await until(() => reads.length >= rounds, 'some rounds');
    assert.deepEqual(writes.slice(first), []);
    await change('Deployment', { spec: { minReadySeconds: 60, progressDeadlineSeconds: 3_000 } });
    await untilBack('Deployment', 'the deadline', ({ progressDeadlineSeconds }) => progressDeadlineSeconds === 300);
    const { spec, metadata } = await find('Deployment', name);
    assert.deepEqual([spec.replicas, metadata.labels.team], [4, 'green']);

    for (const kind of kinds) {
      const { uid } = (await find(kind, name)).metadata;
      await stage.client.send({ method: 'DELETE', path: pathOf(kind, name), body: {} });
      await until(async () => {
        const again = await find(kind, name);
        return again && again.metadata.uid !== uid;
      }, `the ${kind} to be made again`);
    }
    const secretPath = `${namespace}/${servingSecretName('kept')}`;
    await stage.hands.change('Secret', secretPath, { data: { key: Buffer.from('mine').toString('base64') } });
    const key = async () => decode(await stage.hands.find('Secret', secretPath), 'key');
    await until(async () => (await key()) === 'the key of its pods', 'the key to be back');
    await stage.hands.remove('Secret', secretPath);
    await until(async () => (await stage.hands.find('Secret', secretPath)) && (await key()), 'the Secret to be back');
    await undeploy(deploymentId);
  });

  test('uses KServe where the cluster has it, by its own definition', async (t) => {
    const definition = await readInferenceServiceDefinition();
    if (!definition) return t.skip('needs Go, for the definition in the module of KServe');
    const before = await serve('before-kserve');
    await untilMade('Deployment', 'serve-before-kserve');
    await addKind(stage.server, definition, '/apis/serving.kserve.io/v1beta1/inferenceservices');
    // The API server tells of another kind after a moment.
    await until(() => {
      aheadMs += 61_000;
      return operatorObjects.has('InferenceService');
    }, 'the kind to be told of');
    // What was made before stays what it is, also where somebody deletes its Deployment.
    await stage.client.send({ method: 'DELETE', path: pathOf('Deployment', 'serve-before-kserve'), body: {} });
    await untilMade('Deployment', 'serve-before-kserve');
    assert.equal(await find('InferenceService', 'serve-before-kserve'), undefined);
    await undeploy(before);

    const name = 'serve-by-kserve';
    const deploymentId = await serve('by-kserve', {
      resources: { cpu: '500m', memory: '1Gi', gpu: '1' },
      autoScaling: { minReplicas: 2, maxReplicas: 5, targetUtilization: 60 },
    });
    const untilServed = (status: string) =>
      until(async () => {
        const [found] = await listDeployments(stage.db, organizationId);
        return found?.status === status && found;
      }, `it to be ${status}`);
    const { metadata, spec } = await untilMade('InferenceService', name).catch(async (cause) => {
      const [row] = await listDeployments(stage.db, organizationId);
      throw new Error(`It is ${row?.status}: ${row?.message}`, { cause });
    });
    assert.equal(metadata.annotations['serving.kserve.io/deploymentMode'], 'RawDeployment');
    const { minReplicas, maxReplicas, scaleMetric, scaleTarget, containers, volumes } = spec.predictor;
    assert.deepEqual([minReplicas, maxReplicas, scaleMetric, scaleTarget], [2, 5, 'cpu', 60]);
    const [container] = containers;
    assert.deepEqual([container.name, container.args], ['kserve-container', ['trainer', 'serve', '--port', '8080']]);
    assert.equal(container.resources.limits['nvidia.com/gpu'], '1');
    assert.deepEqual(volumes, [{ name: 'tmp', emptyDir: {} }]);
    assert.equal(await find('Deployment', name), undefined);

    // As its controller reports: first what is not there yet, then the parts, then the whole.
    const at = { lastTransitionTime: '2026-11-30T00:00:00Z' };
    const notReady = { status: 'False', reason: 'MinimumReplicasUnavailable', message: 'No pod is available' };
    await report('InferenceService', name, {
      observedGeneration: 1,
      conditions: [
        { type: 'PredictorReady', severity: 'Info', ...at, ...notReady },
        { type: 'Ready', ...at, ...notReady },
      ],
    });
    const waiting = await untilServed('CREATING');
    await until(async () => (await untilServed('CREATING')).message === notReady.message, 'the reason');
    assert.equal(waiting.address, null);
    await makePod('predictor', { 'chaperone.dev/served-model': 'by-kserve' }, readyPod);
    const url = `http://${name}-predictor.${namespace}.svc.cluster.local`;
    await report('InferenceService', name, {
      ...{ observedGeneration: 1, url: `http://${name}-${namespace}.example.com`, address: { url } },
      conditions: ['IngressReady', 'PredictorReady', 'Ready'].map((type) => ({ type, status: 'True', ...at })),
      components: { predictor: { url } },
      deploymentMode: 'RawDeployment',
      modelStatus: { transitionStatus: 'UpToDate', states: { activeModelState: 'Loaded' } },
    });
    const { address, readyReplicas } = await untilServed('IN_SERVICE');
    assert.deepEqual([address, readyReplicas], [`${url}/v1`, 1]);

    await stage.client.send({
      ...{ method: 'PATCH', path: pathOf('InferenceService', name), contentType: 'application/merge-patch+json' },
      body: { spec: { predictor: { maxReplicas: 50 } } },
    });
    const maximum = async () => (await find('InferenceService', name)).spec.predictor.maxReplicas;
    await until(async () => (await maximum()) === 5, 'the bound to be back');
    await removePod('predictor');
    await undeploy(deploymentId);
    assert.equal(await find('InferenceService', name), undefined);
  });

  /** How each version lets a TrainJob change the pods of its runtime, and what it says of them here. */
  const versions = [
    ['v2.0.1', (spec: Patched) => spec.podSpecOverrides?.[0]],
    ['v2.1.0', (spec: Patched) => spec.podTemplateOverrides?.[0]?.spec],
    ['v2.3.0', (spec: Patched) => patchedPod(spec)?.template.spec.template.spec],
  ] as const;

  for (const [version, podOf] of versions) {
    test(`uses Kubeflow’s TrainJob where the cluster has it, as Trainer ${version} defines it`, async (t) => {
      const definition = await readTrainJobDefinition(version);
      if (!definition) return t.skip('needs Go, for the definition in the module of Kubeflow Trainer');
      if (version === 'v2.0.1') {
        await addKind(stage.server, definition, '/apis/trainer.kubeflow.org/v1alpha1/trainjobs');
      } else await replaceKind(stage.server, definition);
      // The API server shows another definition after a moment.
      const fields = async () => {
        aheadMs += 61_000;
        return (await operatorObjects.fieldsOf('TrainJob')).join();
      };
      const [field = ''] = Object.keys(specOf(definition)).filter((name) => /overrides|patches/i.test(name));
      await until(async () => (await fields()).includes(field), field);
      const jobId = await order({ trainingDataUri: 'pvc://datasets/train.csv' });
      await untilJob(jobId, 'STARTING', /being made/);
      const { spec } = await untilMade('TrainJob', jobId);
      assert.equal(spec.runtimeRef.name, 'torch-distributed');
      const { trainer } = spec;
      assert.deepEqual([trainer.numNodes, trainer.numProcPerNode, trainer.image], [2, 1, 'chaperone:now']);
      assert.deepEqual(trainer.command, ['node', '/app/chaperone.js']);
      assert.deepEqual(trainer.args, ['trainer', 'train']);
      assert.deepEqual(trainer.resourcesPerNode.limits, { 'nvidia.com/gpu': '1' });
      const reserved = trainer.env.filter(({ name }: { name: string }) =>
        /^PET_|^MASTER_|^RANK$|^WORLD_SIZE$/.test(name),
      );
      assert.deepEqual(reserved, [], 'its runtime sets these');
      const pod = podOf(spec);
      assert.deepEqual(pod?.nodeSelector, { gpu: 'yes' });
      assert.deepEqual(
        pod?.volumes.map(({ name }) => name),
        pod?.containers[0]?.volumeMounts.map(({ name }) => name),
      );
      assert.equal(pod?.containers[0]?.name, 'node');
      assert.equal(await find('Job', jobId), undefined);

      // As its controller reports: the pods by step, then the end.
      const counts = { ready: 0, succeeded: 0, failed: 0, active: 2, suspended: 0 };
      await report('TrainJob', jobId, { jobsStatus: [{ name: 'node', ...counts }] });
      await makePod(jobId, { 'jobset.sigs.k8s.io/jobset-name': jobId }, { phase: 'Running' });
      await untilJob(jobId, 'IN_PROGRESS');
      await removePod(jobId);
      const isFailure = version === 'v2.1.0';
      const condition = isFailure
        ? { type: 'Failed', reason: 'FailedJobs', message: 'jobset failed due to one or more job failures' }
        : { type: 'Complete', reason: 'AllJobsCompleted', message: 'jobset completed successfully' };
      const at = { status: 'True', lastTransitionTime: '2026-11-30T00:00:00Z' };
      await report('TrainJob', jobId, { conditions: [{ ...condition, ...at }] });
      await untilJob(jobId, isFailure ? 'FAILED' : 'COMPLETED', isFailure ? /one or more job failures/ : /^$/);
    });
  }
});

interface PatchedPod {
  readonly nodeSelector?: object;
  readonly volumes: readonly { readonly name: string }[];
  readonly containers: readonly {
    readonly name: string;
    readonly volumeMounts: readonly { readonly name: string }[];
  }[];
}

/** Of a TrainJob's spec, what changes the pods. */
interface Patched {
  readonly podSpecOverrides?: readonly PatchedPod[];
  readonly podTemplateOverrides?: readonly { readonly spec: PatchedPod }[];
  readonly runtimePatches?: readonly {
    readonly trainingRuntimeSpec: {
      readonly template: {
        readonly spec: {
          readonly replicatedJobs: readonly {
            readonly template: { readonly spec: { readonly template: { readonly spec: PatchedPod } } };
          }[];
        };
      };
    };
  }[];
}

function patchedPod({ runtimePatches }: Patched) {
  return runtimePatches?.[0]?.trainingRuntimeSpec.template.spec.replicatedJobs[0];
}

/** The fields of the spec, by a definition. */
function specOf(definition: object): object {
  // biome-ignore lint/suspicious/noExplicitAny: a CustomResourceDefinition
  const [version] = (definition as any).spec.versions;
  return version.schema.openAPIV3Schema.properties.spec.properties;
}

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
