import { findTrainer, type TrainingSpec } from '../../crds/training.ts';
import type { DeploymentRow } from '../../database/training/deployments.ts';
import { labelsFor, ownerReferencesTo, servedLabel, servingName, type TrainingOwner } from './names.ts';
import { type EnvironmentVariable, imageOf, mountStores, podDefaults, s3Environment } from './pod.ts';
import type { TrainingSettings } from './settings.ts';

export interface ServingTerms {
  readonly owner: TrainingOwner;
  readonly spec: TrainingSpec;
  readonly settings: TrainingSettings;
  readonly deployment: DeploymentRow;
  /** The Secret with what callers send. */
  readonly keySecretName: string;
}

export const servingPort = 8080;
/** The key of the Secret. */
export const servingKey = 'key';
/** How long the Service may go on sending connections to a pod that is about to stop. */
const leaveSeconds = 5;
/** The contract's names of resources, as Kubernetes has them. */
const resourceNames: Readonly<Record<string, string>> = { cpu: 'cpu', memory: 'memory', gpu: 'nvidia.com/gpu' };

/**
 * The objects of a deployment: a Deployment, a Service and, where it scales, a HorizontalPodAutoscaler.
 *
 * @param current how many pods the Deployment has now, where an autoscaler decides
 */
export function makeServing(terms: ServingTerms, current: number | undefined) {
  const { owner, spec, deployment } = terms;
  const name = servingName(deployment.name);
  const selector = { [servedLabel]: deployment.name };
  const labels = { ...labelsFor(owner), ...selector };
  const common = { name, namespace: spec.namespace, labels, ownerReferences: ownerReferencesTo(owner) };
  const { autoScaling, replicas } = deployment;
  const bounded = autoScaling
    ? Math.min(Math.max(current ?? replicas, autoScaling.minReplicas), autoScaling.maxReplicas)
    : replicas;
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Service' as const,
      metadata: common,
      spec: { selector, ports: [{ name: 'http', port: servingPort, targetPort: 'http', protocol: 'TCP' }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment' as const,
      metadata: common,
      spec: {
        replicas: bounded,
        selector: { matchLabels: selector },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        progressDeadlineSeconds: 300,
        template: { metadata: { labels }, spec: makePodSpec(terms, 'server') },
      },
    },
  ];
  if (!autoScaling) return objects;
  const target = { type: 'Utilization', averageUtilization: autoScaling.targetUtilization };
  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler' as const,
    metadata: common,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: autoScaling.minReplicas,
      maxReplicas: autoScaling.maxReplicas,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    },
  };
  return [...objects, autoscaler];
}

/** The same as one object of KServe. */
export function makeInferenceService(terms: ServingTerms) {
  const { owner, spec, deployment } = terms;
  const { autoScaling, replicas } = deployment;
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService' as const,
    metadata: {
      name: servingName(deployment.name),
      namespace: spec.namespace,
      labels: { ...labelsFor(owner), [servedLabel]: deployment.name },
      annotations: { 'serving.kserve.io/deploymentMode': 'RawDeployment' },
      ownerReferences: ownerReferencesTo(owner),
    },
    spec: {
      predictor: {
        minReplicas: autoScaling?.minReplicas ?? replicas,
        maxReplicas: autoScaling?.maxReplicas ?? replicas,
        ...(autoScaling && { scaleMetric: 'cpu', scaleTarget: autoScaling.targetUtilization }),
        ...makePodSpec(terms, 'kserve-container'),
      },
    },
  };
}

function makePodSpec(terms: ServingTerms, containerName: string) {
  const { spec, settings, deployment, keySecretName } = terms;
  const stores = mountStores([deployment.modelUri], []);
  const trainer = deployment.baseModel === null ? undefined : findTrainer(spec, deployment.baseModel);
  const serving = trainer && 'serving' in trainer ? trainer.serving : undefined;
  const requests = Object.fromEntries(
    Object.entries(deployment.resources).map(([name, amount]) => [resourceNames[name] ?? name, amount]),
  );
  const env: readonly EnvironmentVariable[] = [
    { name: 'MODEL_URI', value: stores.toLocal(deployment.modelUri) },
    { name: 'DEPLOYMENT_NAME', value: deployment.name },
    { name: 'SERVING_TOKEN', valueFrom: { secretKeyRef: { name: keySecretName, key: servingKey } } },
    { name: 'PORT', value: String(servingPort) },
    ...s3Environment(spec),
  ];
  const probe = (path: string) => ({ httpGet: { path, port: 'http' } });
  return {
    ...podDefaults(settings),
    containers: [
      {
        name: containerName,
        ...imageOf(serving, ['trainer', 'serve', '--port', String(servingPort)], settings),
        env,
        ports: [{ name: 'http', containerPort: servingPort, protocol: 'TCP' }],
        // Loading a model may take minutes.
        startupProbe: { ...probe('/readyz'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 280 },
        readinessProbe: { ...probe('/readyz'), periodSeconds: 2, timeoutSeconds: 3 },
        livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
        // Until then, the Service may still send connections here.
        lifecycle: { preStop: { sleep: { seconds: leaveSeconds } } },
        // An autoscaler needs a request of processor time.
        resources: { requests: { cpu: '100m', memory: '128Mi', ...requests }, limits: limitsOf(requests) },
        volumeMounts: stores.volumeMounts,
        terminationMessagePolicy: 'FallbackToLogsOnError',
      },
    ],
    volumes: stores.volumes,
  };
}

/** Memory beyond the request is not for a server; graphics processors must be limited as they are requested. */
function limitsOf({ cpu: _, ...requests }: Readonly<Record<string, string>>) {
  return { memory: '1Gi', ...requests };
}
