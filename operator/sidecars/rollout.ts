import type { OrganizationSpec, OrganizationStatus } from '../../crds/resources.generated.ts';
import { rolledToAnnotation } from '../injection/marks.ts';
import { matchesSelector } from '../label-selector.ts';
import type { OutdatedWorkload } from './survey.ts';

/** A workload that the operator may roll: its controller replaces pods a few at a time. */
export type RollableRef = NonNullable<OrganizationStatus['rolling']>;

export const rollableKinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const satisfies RollableRef['kind'][];

/** The fields of a Deployment, StatefulSet or DaemonSet that describe its rollouts. */
export interface RollableWorkload {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly selector: OrganizationSpec['namespaceSelector'];
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
    readonly template: { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export type RolloutState =
  /** Every pod has the latest template and is available. */
  | 'complete'
  | 'underWay'
  /** The controller's progress deadline has passed. */
  | 'stuck';

/** The state of the workload's last rollout, as in `kubectl rollout status`. */
export function rolloutState(
  kind: RollableRef['kind'],
  { metadata, spec, status = {} }: RollableWorkload,
): RolloutState {
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 1)) return 'underWay';
  const { replicas: wanted = 1 } = spec;
  switch (kind) {
    case 'Deployment': {
      const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
      if (updatedReplicas >= wanted && replicas <= updatedReplicas && availableReplicas >= wanted) return 'complete';
      const hasGivenUp = status.conditions?.some((one) => one.type === 'Progressing' && one.status === 'False');
      return hasGivenUp ? 'stuck' : 'underWay';
    }
    case 'StatefulSet': {
      const { updatedReplicas = 0, readyReplicas = 0 } = status;
      return updatedReplicas >= wanted && readyReplicas >= wanted ? 'complete' : 'underWay';
    }
    case 'DaemonSet': {
      const { desiredNumberScheduled = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status;
      const isComplete = updatedNumberScheduled >= desiredNumberScheduled && numberAvailable >= desiredNumberScheduled;
      return isComplete ? 'complete' : 'underWay';
    }
  }
}

/**
 * What keeps the workload from being rolled now, as a phrase that follows its name. It is not rolled while any rollout
 * is under way or a pod is not available, nor where a changed template does not replace the pods, nor again where a
 * roll has not helped.
 *
 * @returns undefined where it may be rolled
 */
export function findHindrance(
  kind: RollableRef['kind'],
  outdated: OutdatedWorkload,
  workload: RollableWorkload,
): string | undefined {
  const { metadata, spec } = workload;
  const { updateStrategy } = spec;
  if (metadata.deletionTimestamp !== undefined) return 'is being deleted';
  if (spec.paused) return 'is paused';
  if (updateStrategy?.type === 'OnDelete') return 'gets new pods only when somebody deletes the old ones (OnDelete)';
  if ((updateStrategy?.rollingUpdate?.partition ?? 0) > 0) return 'is rolled in parts (a partition)';
  // The workload is derived from names alone, so the pod might belong to another.
  if (!matchesSelector(spec.selector, outdated.labels)) return 'does not select the pod, by its labels';
  if (spec.template.metadata?.annotations?.[rolledToAnnotation] === outdated.hash) {
    return 'has been rolled for this already, and its pods still have another sidecar';
  }
  switch (rolloutState(kind, workload)) {
    case 'complete':
      return undefined;
    case 'underWay':
      return 'has a rollout under way, or a pod that is not available';
    case 'stuck':
      return 'has a rollout that does not come up';
  }
}

/** The workload as a rollable one. Undefined for Jobs, bare pods and other kinds. */
export function asRollable({ kind, namespace, name }: OutdatedWorkload): RollableRef | undefined {
  const rollable = rollableKinds.find((candidate) => candidate === kind);
  return rollable && { kind: rollable, namespace, name };
}
