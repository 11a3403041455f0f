import { type JobTerms, makePod } from './job-objects.ts';
import { jobLabel, labelsFor, ownerReferencesTo } from './names.ts';

/** By which field a TrainJob changes the pods of its runtime: that of Kubeflow Trainer 2.2 and later, of 2.1, of 2.0. */
export const trainJobForms = ['runtimePatches', 'podTemplateOverrides', 'podSpecOverrides'] as const;
export type TrainJobForm = (typeof trainJobForms)[number];

/** The step of a runtime that trains, and its container. */
const node = 'node';

/** A TrainJob of Kubeflow Trainer 2. Its runtime sets what pods need to find each other. */
export function makeTrainJob(terms: JobTerms, form: TrainJobForm) {
  const { owner, spec, settings, order } = terms;
  const labels = { ...labelsFor(owner), [jobLabel]: order.jobId };
  const { container, pod } = makePod(terms, []);
  const { image, command, args, env, resources } = { command: undefined, args: undefined, ...container };
  const isBuiltIn = image === settings.image;
  return {
    apiVersion: 'trainer.kubeflow.org/v1alpha1',
    kind: 'TrainJob' as const,
    metadata: { name: order.jobId, namespace: spec.namespace, labels, ownerReferences: ownerReferencesTo(owner) },
    spec: {
      runtimeRef: { name: spec.kubeflowRuntime ?? 'torch-distributed' },
      trainer: {
        image,
        // A runtime's own command would replace that of the image.
        ...(isBuiltIn ? { command: ['node', '/app/chaperone.js'], args, numProcPerNode: 1 } : command && { command }),
        env,
        numNodes: order.instanceCount,
        resourcesPerNode: resources,
      },
      ...patchPods(form, labels, pod, container),
    },
  };
}

type Pod = ReturnType<typeof makePod>['pod'];
type Container = ReturnType<typeof makePod>['container'];

/** What the pods have besides what a TrainJob says of its trainer, as far as a version can say it. */
function patchPods(form: TrainJobForm, labels: object, pod: Pod, { volumeMounts, securityContext }: Container) {
  const { nodeSelector, volumes, imagePullSecrets } = { nodeSelector: undefined, imagePullSecrets: undefined, ...pod };
  const targetJobs = [{ name: node }];
  const changed = {
    ...(nodeSelector && { nodeSelector }),
    volumes,
    containers: [{ name: node, volumeMounts }],
  };
  const withSecrets = { ...changed, ...(imagePullSecrets && { imagePullSecrets }) };
  switch (form) {
    case 'podSpecOverrides':
      return { labels, podSpecOverrides: [{ targetJobs, ...changed }] };
    case 'podTemplateOverrides':
      return { labels, podTemplateOverrides: [{ targetJobs, spec: withSecrets }] };
    case 'runtimePatches': {
      const podSpec = {
        ...withSecrets,
        securityContext: pod.securityContext,
        containers: [{ name: node, volumeMounts, securityContext }],
      };
      const replicatedJobs = [
        { name: node, template: { spec: { template: { metadata: { labels }, spec: podSpec } } } },
      ];
      const trainingRuntimeSpec = { template: { spec: { replicatedJobs } } };
      return { runtimePatches: [{ manager: 'chaperone.dev/operator', trainingRuntimeSpec }] };
    }
  }
}
