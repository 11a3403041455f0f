import { findTrainer, type TrainingSpec } from '../../crds/training.ts';
import type { TrainingOrder } from '../../database/training/jobs.ts';
import { jobLabel, labelsFor, ownerReferencesTo, type TrainingOwner } from './names.ts';
import { type EnvironmentVariable, imageOf, instanceOf, mountStores, podDefaults, s3Environment } from './pod.ts';
import type { TrainingSettings } from './settings.ts';

export interface JobTerms {
  readonly owner: TrainingOwner;
  readonly spec: TrainingSpec;
  readonly settings: TrainingSettings;
  readonly order: TrainingOrder;
}

const masterPort = 29_500;
/** How long what has ended stays for people to look at. */
const keptSeconds = 86_400;
/** Exit codes of the built-in trainer after which another try would end the same (trainer/trainer-error.ts). */
const finalExitCodes = [65, 66, 78];

/** The headless Service by which the pods of a job find each other. The Job owns it. */
export function makeJobService({ owner, order, spec }: JobTerms, jobUid: string) {
  const name = order.jobId;
  return {
    apiVersion: 'v1',
    kind: 'Service' as const,
    metadata: {
      ...{ name, namespace: spec.namespace, labels: { ...labelsFor(owner), [jobLabel]: name } },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: jobUid }],
    },
    spec: {
      clusterIP: 'None',
      selector: { [jobLabel]: name },
      ports: [{ name: 'master', port: masterPort, protocol: 'TCP' }],
      // Pods look for the first one while they start.
      publishNotReadyAddresses: true,
    },
  };
}

/** An Indexed Job whose pods have the environment that torchrun gives. */
export function makeJob({ owner, spec, settings, order }: JobTerms) {
  const { jobId: name, instanceCount } = order;
  const labels = { ...labelsFor(owner), [jobLabel]: name };
  const rank = { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } };
  const master = `${name}-0.${name}`;
  const group: readonly EnvironmentVariable[] = [
    { name: 'MASTER_ADDR', value: master },
    { name: 'MASTER_PORT', value: String(masterPort) },
    { name: 'WORLD_SIZE', value: String(instanceCount) },
    { name: 'RANK', valueFrom: rank },
    { name: 'LOCAL_RANK', value: '0' },
    { name: 'LOCAL_WORLD_SIZE', value: '1' },
    // Those are torchrun's own options, for an image that runs it.
    { name: 'PET_NNODES', value: String(instanceCount) },
    { name: 'PET_NODE_RANK', valueFrom: rank },
    { name: 'PET_MASTER_ADDR', value: master },
    { name: 'PET_MASTER_PORT', value: String(masterPort) },
  ];
  const { container, pod } = makePod({ owner, spec, settings, order }, group);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job' as const,
    metadata: { name, namespace: spec.namespace, labels, ownerReferences: ownerReferencesTo(owner) },
    spec: {
      completionMode: 'Indexed',
      completions: instanceCount,
      parallelism: instanceCount,
      backoffLimit: 3 * instanceCount + 3,
      ttlSecondsAfterFinished: keptSeconds,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: { containerName: container.name, operator: 'In', values: finalExitCodes },
          },
          // Drained nodes and the like are nobody's failure.
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        metadata: { labels },
        spec: { ...pod, subdomain: name, restartPolicy: 'Never', containers: [container] },
      },
    },
  };
}

/** What every pod of a job is, but for how it finds the others. */
export function makePod({ spec, settings, order }: JobTerms, group: readonly EnvironmentVariable[]) {
  const { trainingDataUri, validationDataUri, modelOutputUri } = order;
  const stores = mountStores(
    [trainingDataUri, ...(validationDataUri === null ? [] : [validationDataUri])],
    [modelOutputUri],
  );
  const instance = instanceOf(spec, order.instanceType);
  const env: readonly EnvironmentVariable[] = [
    { name: 'TRAINING_JOB_ID', value: order.jobId },
    { name: 'BASE_MODEL', value: order.baseModel },
    { name: 'TRAINING_DATA_URI', value: stores.toLocal(trainingDataUri) },
    ...(validationDataUri === null ? [] : [{ name: 'VALIDATION_DATA_URI', value: stores.toLocal(validationDataUri) }]),
    { name: 'MODEL_OUTPUT_URI', value: stores.toLocal(modelOutputUri) },
    { name: 'CHECKPOINT_URI', value: stores.toLocal(`${modelOutputUri}checkpoints/`) },
    { name: 'HYPERPARAMETERS', value: JSON.stringify(order.hyperparameters) },
    ...s3Environment(spec),
    ...group,
  ];
  const container = {
    name: 'trainer',
    ...imageOf(findTrainer(spec, order.baseModel), ['trainer', 'train'], settings),
    env,
    resources: instance?.resources,
    ports: [{ name: 'master', containerPort: masterPort, protocol: 'TCP' }],
    volumeMounts: stores.volumeMounts,
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
  const pod = {
    ...podDefaults(settings),
    ...(instance?.nodeSelector && { nodeSelector: instance.nodeSelector }),
    volumes: stores.volumes,
    terminationGracePeriodSeconds: 60,
  };
  return { container, pod };
}
