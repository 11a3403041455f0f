import type { OrganizationSpec, OrganizationStatus } from '../../crds/resources.generated.ts';
import { rolledToAnnotation } from '../injection/marks.ts';
import { matchesSelector } from '../label-selector.ts';
import type { OutdatedWorkload } from './survey.ts';

/** A workload that the operator may roll: its controller makes pods anew a few at a time. */
export type RollableRef = NonNullable<OrganizationStatus['rolling']>;

export const rollableKinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const satisfies RollableRef['kind'][];

/** A Deployment, StatefulSet or DaemonSet as far as its rollouts go. */
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
  /** Every pod is of the latest template, and available. */
  | 'complete'
  | 'underWay'
  /** Its controller has given up waiting. */
  | 'stuck';

/** How far the workload's last rollout is, as `kubectl rollout status` tells it. */
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
 * What keeps the workload from being rolled now, in words that follow its name. Not while a rollout is under way, whoever
 * has begun it, or while a pod is not available; not where a changed template brings no new pods by itself; and not again
 * for what has not helped.
 *
 * @returns undefined where nothing does
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
  // Told from names alone, it might be another's.
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

/** The workload as one that may be rolled; undefined for Jobs, bare pods and what else there is. */
export function asRollable({ kind, namespace, name }: OutdatedWorkload): RollableRef | undefined {
  const rollable = rollableKinds.find((candidate) => candidate === kind);
  return rollable && { kind: rollable, namespace, name };
}
