import type { DeploymentObservation, DeploymentRow } from '../../database/training/deployments.ts';
import type { TrainingObservation } from '../../database/training/jobs.ts';
import { type RollableWorkload, rolloutState } from '../sidecars/rollout.ts';
import type { StatefulObject, TrainingPod } from './objects.ts';
import type { ReadLog } from './read-log.ts';

/** What a Job or a TrainJob, its pods and their log say of a training job. */
export function observeJob(
  object: StatefulObject,
  pods: readonly TrainingPod[],
  log: ReadLog | undefined,
): TrainingObservation {
  const isTrue = (type: string) => object.status?.conditions?.find((one) => one.type === type && one.status === 'True');
  const seen = { progress: log?.progress, log: log?.tail };
  if (isTrue('Complete')) return { status: 'COMPLETED', message: null, ...seen };
  const failed = isTrue('Failed');
  if (failed) {
    const why = log?.error ?? lastWords(pods) ?? failed.message ?? failed.reason ?? 'The Job has failed';
    return { status: 'FAILED', message: why, ...seen };
  }
  const isRunning = pods.some(({ status }) => status?.phase === 'Running' || status?.phase === 'Succeeded');
  // It has reported something before, so a pod that is replaced does not let it start anew.
  if (isRunning || log?.progress) return { status: 'IN_PROGRESS', message: whatKeeps(pods) ?? null, ...seen };
  return { status: 'STARTING', message: whatKeeps(pods) ?? 'The pods are being made', ...seen };
}

/** Why a pod does not come up, in the words of Kubernetes. */
export function whatKeeps(pods: readonly TrainingPod[]): string | undefined {
  for (const { metadata, status } of pods) {
    if (status?.phase !== 'Pending') continue;
    const waiting = status.containerStatuses?.find(({ state }) => state?.waiting)?.state?.waiting;
    const unscheduled = status.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
    const why =
      waiting && waiting.reason !== 'ContainerCreating'
        ? [waiting.reason, waiting.message].filter(Boolean).join(': ')
        : unscheduled?.message;
    if (why) return `Pod ${metadata.name} waits: ${why}`;
  }
  return undefined;
}

/** What a container said when it ended badly. */
function lastWords(pods: readonly TrainingPod[]): string | undefined {
  const ended = pods.flatMap(({ status }) => status?.containerStatuses ?? []).map(({ state }) => state?.terminated);
  const words = ended.find((one) => one?.exitCode !== 0 && one?.message)?.message;
  return words?.trim().split('\n').at(-1);
}

/** What a Deployment says of a served model. */
export function observeDeployment(
  row: Pick<DeploymentRow, 'status' | 'address'>,
  workload: StatefulObject,
  pods: readonly TrainingPod[],
  address: string,
): DeploymentObservation {
  const deployment = workload as StatefulObject & RollableWorkload;
  const readyReplicas = deployment.status?.readyReplicas ?? 0;
  // Proxies send calls once a pod has been ready. From then on, the Service knows where to.
  const at = readyReplicas > 0 ? address : row.address;
  const was = row.address === null ? 'CREATING' : 'UPDATING';
  switch (rolloutState('Deployment', deployment)) {
    case 'complete':
      return { status: 'IN_SERVICE', message: null, address: at, readyReplicas };
    case 'underWay':
      return { status: was, message: whatKeeps(pods) ?? null, address: at, readyReplicas };
    case 'stuck': {
      const message = whatKeeps(pods) ?? lastWords(pods) ?? 'The pods do not become ready';
      return { status: 'FAILED', message, address: at, readyReplicas };
    }
  }
}

/** What an InferenceService says of a served model. */
export function observeInferenceService(
  row: Pick<DeploymentRow, 'status' | 'address'>,
  service: StatefulObject & {
    readonly status?: { readonly address?: { readonly url?: string }; readonly url?: string };
  },
  pods: readonly TrainingPod[],
): DeploymentObservation {
  const ready = service.status?.conditions?.find(({ type }) => type === 'Ready');
  const url = service.status?.address?.url ?? service.status?.url;
  const readyReplicas = pods.filter(({ status }) => status?.conditions?.some(isReady)).length;
  const address = ready?.status === 'True' && url ? `${url.replace(/\/+$/, '')}/v1` : row.address;
  if (ready?.status === 'True') return { status: 'IN_SERVICE', message: null, address, readyReplicas };
  const message = whatKeeps(pods) ?? ready?.message ?? null;
  return { status: row.address === null ? 'CREATING' : 'UPDATING', message, address, readyReplicas };
}

function isReady({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return type === 'Ready' && status === 'True';
}
